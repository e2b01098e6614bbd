/** One task of the analyst: a package, or what of a folder belongs to none. */
export interface Unit {
  /** `apps/registry`. */
  id: string;
  /** The folder it lies in, by its last name: `apps`. */
  folder: string;
  /** Absolute. */
  root: string;
  hasManifest: boolean;
  /** Roots of other units inside this one. */
  without: string[];
}

/** Files that make a folder a package. */
export const manifestNames = ['package.json', 'pyproject.toml', 'Cargo.toml', 'go.mod'];
/** What `search_files` looks for. */
export const manifestPattern = `**/{${manifestNames.join(',')}}`;

/** A report on more than this is read by nobody; choose smaller folders. */
const unitsMax = 200;

/**
 * Divides folders into units: each folder with a manifest, the top-most only, and what is left of a folder beside them.
 *
 * @param found for each folder the manifests below it, as the librarian lists them
 */
export function planUnits(folders: readonly string[], found: readonly (readonly string[])[]): Unit[] {
  const units: Unit[] = [];
  folders.forEach((given, i) => {
    const folder = given.replace(/\/+$/, '');
    const name = folder.slice(folder.lastIndexOf('/') + 1);
    const dirs = [...new Set((found[i] ?? []).map((path) => path.slice(0, path.lastIndexOf('/'))))].sort();
    const roots = dirs.filter((dir) => !dirs.some((other) => dir !== other && dir.startsWith(`${other}/`)));
    if (!roots.includes(folder)) {
      units.push({ id: name, folder: name, root: folder, hasManifest: false, without: roots });
    }
    for (const root of roots) {
      const id = root === folder ? name : `${name}/${root.slice(folder.length + 1)}`;
      units.push({ id, folder: name, root, hasManifest: true, without: [] });
    }
  });
  if (units.length > unitsMax) throw new RangeError(`there are ${units.length} packages; at most ${unitsMax} are analysed in one run`);
  return units.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The paths in a text of `search_files`: one a line. */
export function pathsIn(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('/') || /^[A-Za-z]:[\\/]/.test(line));
}
