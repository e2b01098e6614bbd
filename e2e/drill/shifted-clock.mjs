// Loaded before a service: after some seconds its clock jumps by CLOCK_JUMP_MS, as a corrected one would.
const real = Date.now;
let offset = 0;
setTimeout(() => (offset = Number(process.env.CLOCK_JUMP_MS)), 3_000).unref();
Date.now = () => real() + offset;
