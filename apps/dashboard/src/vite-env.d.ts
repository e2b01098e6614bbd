declare module '*.module.css' {
  const classes: Readonly<Record<string, string>>;
  export default classes;
}

declare module 'elkjs/lib/elk-worker.min.js?url' {
  const url: string;
  export default url;
}
