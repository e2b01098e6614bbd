import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { rolldown, type Plugin } from 'rolldown';
import { bundlePath, inputsPath, stampOf, type Inputs } from './entry.ts';

/** Drivers and transports that Nest and TypeORM look for and that we do not install: they stay what they are, missing. */
const absent =
  /^(?:@nestjs\/(?:websockets|platform-express|platform-socket\.io)|class-transformer\/storage|@grpc\/.*|@sap\/.*|@google-cloud\/.*|amqplib|amqp-connection-manager|better-sqlite3|hdb-pool|ioredis|kafkajs|mongodb|mqtt|mssql|mysql2?|nats|oracledb|pg-native|pg-query-stream|react-native-sqlite-storage|redis|sql\.js|sqlite3|typeorm-aurora-data-api-driver)(?:\/|$)/;

/**
 * Puts a built service and all that it imports into one file. A service loads 1,700 modules, which takes most of its start; one file takes a
 * third of that. What runs is the same code: where a module asks for its own place, it still gets the one that it was built in.
 */
export async function bundleService(root: string, service: string): Promise<void> {
  const app = join(root, 'apps', service);
  const folder = join(app, dirname(bundlePath));
  await rm(folder, { recursive: true, force: true });
  const bundle = await rolldown({
    input: join(app, 'dist', 'main.js'),
    platform: 'node',
    external: absent,
    plugins: [lazyHttp, keepPlaces(folder)],
    logLevel: 'silent',
  });
  try {
    const { output } = await bundle.write({
      file: join(app, bundlePath),
      format: 'esm',
      codeSplitting: false,
      comments: false, // half of what would be read and decoded
      keepNames: true, // Nest and the schemas tell classes by their names
      banner: 'const __bundleUrl = import.meta.url;',
    });
    const file = join(app, bundlePath);
    await writeFile(file, asciiOnly(await readFile(file, 'utf8')));
    const modules = output.flatMap((part) => (part.type === 'chunk' ? part.moduleIds : []));
    const inputs: Inputs = {};
    for (const id of modules)
      if (id.startsWith(root) && !id.includes(`${sep}node_modules${sep}`)) inputs[relative(root, id)] = await stampOf(id);
    await writeFile(join(app, inputsPath), JSON.stringify(inputs));
  } finally {
    await bundle.close();
  }
}

/**
 * Importing `node:http` as a module evaluates all that it exports, and one of its getters loads a whole HTTP client that nobody here asks for: 50 ms.
 * Asked for as an object, it gives what is used.
 */
const lazyHttp: Plugin = {
  name: 'lazy-http',
  resolveId: (id) => (/^(?:node:)?http$/.test(id) ? '\0http' : null),
  load: (id) => (id === '\0http' ? { code: "module.exports = process.getBuiltinModule('node:http');", moduleType: 'js' } : null),
};

/** Text of one byte a character is read and hashed in a third of the time. In strings, patterns and names an escape means the same. */
function asciiOnly(code: string): string {
  return code.replaceAll(/(\\*)([\u0080-\uffff])/g, (_, slashes: string, unit: string) => {
    const kept = slashes.length % 2 === 1 ? slashes.slice(1) : slashes; // it was escaped for nothing
    return `${kept}\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** `import.meta.url` and `__dirname` of each module, as they were before it was moved into the bundle. */
function keepPlaces(folder: string): Plugin {
  return {
    name: 'keep-places',
    transform(code, id) {
      if (!/import\.meta\.|__dirname|__filename/.test(code) || id.startsWith('\0')) return null;
      const place = (path: string): string => `new URL(${JSON.stringify(relative(folder, path).replaceAll(sep, '/'))}, __bundleUrl)`;
      return code
        .replaceAll('import.meta.url', `${place(id)}.href`)
        .replaceAll('import.meta.filename', `${place(id)}.pathname`)
        .replaceAll('import.meta.dirname', `${place(dirname(id))}.pathname`)
        .replaceAll(/(?<![\w$.])__dirname(?![\w$])/g, `${place(dirname(id))}.pathname`)
        .replaceAll(/(?<![\w$.])__filename(?![\w$])/g, `${place(id)}.pathname`);
    },
  };
}
