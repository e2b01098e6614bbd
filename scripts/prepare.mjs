// What every script here needs first: packages installed, everything built, and the Node that the services run on. Runs on any Node from 20 on
// and uses nothing that must be installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pruneDist } from './prune-dist.mjs';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const nodeOldest = 20;
/** What an installation needs on the disk, with room for building. */
const installMinBytes = 2 * 1024 ** 3;
const installStamp = join(root, 'node_modules', '.signalbox-installed');
const buildStamp = join(root, 'node_modules', '.signalbox-built');
const lockFile = join(root, '.turbo', 'preparing');
const lockPollMs = 200;

/** Why we cannot go on, and what to do: printed without a stack. */
export class Stop extends Error {
  constructor(sentence, next) {
    super(`${sentence}\n${next}`);
  }
}

/** Installs and builds if something changed, and says what it did and how long it took. */
export async function prepare() {
  checkNode();
  if (isInstalled() && isBuilt()) return;
  await alone(async () => {
    await install();
    await build();
  });
}

/** One command at a time installs and builds here; whoever waited then finds it done. */
async function alone(work) {
  mkdirSync(dirname(lockFile), { recursive: true });
  for (let isTold = false; !takeLock(); isTold = true) {
    if (!isTold) console.log('  Another command installs or builds here: waiting for it…');
    await new Promise((resolve) => setTimeout(resolve, lockPollMs));
  }
  try {
    await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

/** The lock holds its owner's process id; that of a process which is gone is nobody's. */
function takeLock() {
  try {
    writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const owner = Number(readStamp(lockFile));
  if (owner > 0 && !isAlive(owner)) rmSync(lockFile, { force: true });
  return false;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function checkNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < nodeOldest) {
    throw new Stop(
      `This is Node ${process.versions.node}; Signalbox is started by Node ${nodeOldest} or newer.`,
      'Install a current Node: https://nodejs.org/en/download',
    );
  }
}

function installHash() {
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'].map((name) => readFileSync(join(root, name)));
  return hashOf(files, [process.platform, process.arch]);
}

function isInstalled() {
  return readStamp(installStamp) === installHash() && existsSync(nodeBinary());
}

function isBuilt() {
  return readStamp(buildStamp) === hashOf([], sources());
}

async function install() {
  if (isInstalled()) return;
  const { bavail, bsize } = statfsSync(root);
  if (bavail * bsize < installMinBytes) {
    throw new Stop(
      `The disk of ${root} is nearly full: ${Math.floor((bavail * bsize) / 1024 ** 2)} MB are free, ${installMinBytes / 1024 ** 2} MB are needed to install.`,
      'Free some space and start again.',
    );
  }
  console.log('  Installing packages (the first time takes a minute or two)…');
  const since = performance.now();
  const [command, ...args] = pnpm();
  const { code, output } = await run(command, [...args, 'install', '--frozen-lockfile', '--prefer-offline'], { isQuiet: true });
  if (code !== 0) {
    process.stderr.write(output);
    const isOffline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ERR_SOCKET|fetch failed/i.test(output);
    if (isOffline) {
      throw new Stop(
        'The packages could not be installed: the package registry cannot be reached.',
        'Connect this machine to the network, or set npm’s `registry` to one that it reaches, and start again. Later starts need no network.',
      );
    }
    throw new Stop(
      'The packages could not be installed; what the package manager said stands above.',
      'Correct what it names and start again.',
    );
  }
  mkdirSync(dirname(installStamp), { recursive: true });
  writeFileSync(installStamp, installHash());
  console.log(`  Packages installed (${seconds(since)})`);
}

/** The pinned pnpm: the installed one, else npm brings it. */
function pnpm() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const version = packageManager.split('@')[1];
  const installed = join(root, 'node_modules', 'pnpm');
  try {
    const { version: found } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    const program = join(installed, 'bin', 'pnpm.mjs'); // finds its native binary without its install script
    if (found === version && existsSync(program)) return [process.execPath, program];
  } catch {
    // not installed yet
  }
  return ['npx', '--yes', `pnpm@${version}`];
}

async function build() {
  if (isBuilt()) return;
  console.log('  Building…');
  const since = performance.now();
  const { code, output } = await run(
    nodeBinary(),
    [join(root, 'node_modules', 'turbo', 'bin', 'turbo'), 'run', 'build', '--output-logs=errors-only'],
    { isQuiet: true },
  );
  if (code !== 0) {
    process.stderr.write(output);
    throw new Stop(
      'The build failed; what it said stands above.',
      'Correct what it names, or return to a version that builds, and start again.',
    );
  }
  for (const folder of packageFolders()) pruneDist(folder); // a build that came from the cache ran no script
  await bundle();
  writeFileSync(buildStamp, hashOf([], sources()));
  console.log(`  Built (${seconds(since)})`);
}

/** One file for each service, so that they start in a third of the time. Without it they start from their modules. */
async function bundle() {
  const bundler = join(root, 'packages', 'stack', 'dist', 'bundle', 'main.js');
  if (!existsSync(bundler)) return;
  const { code, output } = await run(nodeBinary(), [bundler, root], { isQuiet: true });
  if (code !== 0) console.log(`  The services were not bundled and will start slower: ${output.trim().split('\n').at(-1)}`);
}

const builtFolders = ['apps', 'packages', 'examples', 'bench', 'e2e'];
const sourceNames = /^(?:src|public|index\.html|package\.json|vite\.config\.ts|tsconfig.*\.json)$/;

/** Every source file with its size and time, and which packages have been built: what has the same list was built from the same files. */
function sources() {
  const found = [readStamp(installStamp)];
  const add = (path) => {
    const { size, mtimeMs } = statSync(path);
    found.push(`${path.slice(root.length)} ${size} ${mtimeMs}`);
  };
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) add(path);
    }
  };
  for (const name of ['tsconfig.base.json', 'turbo.json']) add(join(root, name));
  for (const folder of packageFolders()) {
    for (const name of readdirSync(folder).filter((name) => sourceNames.test(name))) {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) walk(path);
      else add(path);
    }
    found.push(`${folder.slice(root.length)} ${existsSync(join(folder, 'dist'))}`);
  }
  return found;
}

function packageFolders() {
  return builtFolders
    .map((group) => join(root, group))
    .filter((group) => existsSync(group))
    .flatMap((group) => readdirSync(group, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((folder) => existsSync(join(folder, 'package.json')));
}

function hashOf(buffers, texts) {
  const hash = createHash('sha256');
  for (const buffer of buffers) hash.update(buffer);
  for (const text of texts) hash.update(`${text}\n`);
  return hash.digest('hex');
}

function readStamp(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The Node that the services run on, a package like any other. */
export function nodeBinary() {
  return join(root, 'node_modules', 'node', 'bin', 'node');
}

/** Whether this process already is that Node's major version. */
export function isServiceNode() {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules', 'node', 'package.json'), 'utf8'));
  return version.split('.')[0] === process.versions.node.split('.')[0];
}

/** The environment with our programs first on the path, and where processes note what they ran of our code if that is asked. */
export function environment() {
  const { SIGNALBOX_COVERAGE: coverage } = process.env;
  return {
    ...process.env,
    ...(coverage && { NODE_V8_COVERAGE: join(root, coverage, 'processes') }),
    PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter),
    TURBO_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
  };
}

/** Runs a program in the clone; its output goes on, or with `isQuiet` comes back. */
export function run(command, args, { isQuiet = false, env = environment() } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, stdio: isQuiet ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
    let output = '';
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ code: 1, output: `${output}${error.message}\n` }));
    child.on('close', (code, signal) => resolve({ code: code ?? (signal === 'SIGINT' ? 130 : 1), output }));
  });
}

export function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

/** Runs a script's work; what stops it is said in a sentence. */
export async function script(work) {
  try {
    process.exitCode = await work();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    process.stderr.write(`\n${error.message}\n`);
    process.exitCode = 1;
  }
}
