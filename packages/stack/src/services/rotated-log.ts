import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** A log that never holds more than `files` times `maxBytes`. */
export interface RotationLimits {
  maxBytes: number;
  files: number;
}
const defaultLimits: RotationLimits = { maxBytes: 5 * 1024 * 1024, files: 4 };

/** Appends to `path`; when it is full it becomes `path.1`, that one `path.2`, and the last is dropped. */
export class RotatedLog {
  private fd: number;
  private size: number;
  private isClosed = false;

  constructor(
    private readonly path: string,
    private readonly limits: RotationLimits = defaultLimits,
  ) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.fd = openSync(path, 'a', 0o600);
    this.size = statSync(path).size;
  }

  write(text: string): void {
    if (this.isClosed) return; // the last words of a child can come after its end
    const bytes = Buffer.from(text);
    if (this.size > 0 && this.size + bytes.length > this.limits.maxBytes) this.rotate();
    // One piece that is larger than a whole file is cut: a child that floods its output must not fill the disk.
    const kept = bytes.subarray(0, this.limits.maxBytes);
    this.size += writeSync(this.fd, kept);
  }

  private rotate(): void {
    closeSync(this.fd);
    const { files } = this.limits;
    rmSync(`${this.path}.${files - 1}`, { force: true });
    for (let index = files - 2; index >= 0; index--) {
      const from = index === 0 ? this.path : `${this.path}.${index}`;
      try {
        renameSync(from, `${this.path}.${index + 1}`);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    this.fd = openSync(this.path, 'a', 0o600);
    this.size = 0;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    closeSync(this.fd);
  }
}
