// Under which licences the packages stand that images hold, by the bills of materials of pnpm. Part of `npm run check`.
import { environment, run } from './prepare.mjs';

/** Licences that ask for no more than their text and the names of authors. */
const allowed = new Set([
  'Apache-2.0',
  'MIT',
  'MIT-0',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'Unlicense',
  'Zlib',
  'OFL-1.1',
]);

/** Looked at one by one: the licence that stands in the package, and why it may be there. */
const reviewed = new Map([
  ['@modelcontextprotocol/server-memory', ['SEE LICENSE IN LICENSE', 'MIT by its README; a program of the example']],
  ['@modelcontextprotocol/server-filesystem', ['SEE LICENSE IN LICENSE', 'MIT by its README; a program of the example']],
  ['@modelcontextprotocol/server-everything', ['SEE LICENSE IN LICENSE', 'MIT by its README; a program of tests']],
  ['elkjs', ['EPL-2.0 OR GPL-3.0-or-later', 'EPL-2.0: unchanged, in a file of its own of the dashboard, its source is public']],
  ['lightningcss', ['MPL-2.0', 'builds the dashboard, and is in no image']],
]);

/** A sentence for each component of a CycloneDX document whose licence nobody has allowed. */
export function licenceFaults({ components }) {
  return components.flatMap((component) => {
    const name = component.group ? `${component.group}/${component.name}` : component.name;
    const licence = licenceOf(component);
    if (licence !== null && isAllowed(licence)) return [];
    const review = reviewed.get(name) ?? (name.startsWith('lightningcss-') ? reviewed.get('lightningcss') : undefined);
    if (review?.[0] === licence) return [];
    return [`${name}@${component.version}: ${licence ?? 'says no licence'}`];
  });
}

function licenceOf({ licenses = [] }) {
  if (licenses.length === 0) return null;
  return licenses.map((each) => each.expression ?? each.license.id ?? each.license.name).join(' AND ');
}

/** `A OR B`: one of them is enough; `A AND B`: each must be allowed. What mixes both is for a person to look at. */
function isAllowed(expression) {
  const text = expression.replaceAll(/[()]/g, '');
  const [either, each] = [text.split(' OR '), text.split(' AND ')];
  if (either.length > 1 && each.length > 1) return false;
  return either.length > 1 ? either.some((id) => allowed.has(id)) : each.every((id) => allowed.has(id));
}

/** Everything that services need, and what the dashboard is built from: parts of that end in its files. */
const parts = [
  ['--recursive', 'sbom', '--prod', '--sbom-format', 'cyclonedx'],
  ['--filter', '@signalbox/dashboard', 'sbom', '--sbom-format', 'cyclonedx'],
];

/** Prints what is not allowed; whether nothing is. */
export async function checkLicences() {
  const faults = new Set();
  let count = 0;
  for (const args of parts) {
    const { code, output } = await run('pnpm', args, { isQuiet: true, env: environment() });
    const start = output.indexOf('{');
    if (code !== 0 || start < 0) {
      console.log(`  licences: not checked, pnpm made no bill of materials:\n${output}`);
      return false;
    }
    const bom = JSON.parse(output.slice(start));
    count += bom.components.length;
    for (const fault of licenceFaults(bom)) faults.add(fault);
  }
  console.log(`  licences of ${count} packages: ${faults.size === 0 ? 'all allowed' : 'to be looked at (scripts/licences.mjs)'}`);
  for (const fault of faults) console.log(`    ${fault}`);
  return faults.size === 0;
}
