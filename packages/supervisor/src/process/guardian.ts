import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';

/**
 * A shell of about 1 MB that outlives us by a moment: it reads which process groups are ours and, when its input ends because we are gone,
 * however that came, kills them and whoever carries our marker. The script is constant; only numbers and our own identifier reach it.
 */
const script = `
trap '' HUP INT TERM QUIT
groups=' '
while read -r verb group; do
  case $verb in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="\${groups%% $group *} \${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
if [ -d /proc/self ]; then
  for round in 1 2; do
    for file in $(grep -lsa "$1" /proc/[0-9]*/environ 2>/dev/null); do
      pid=\${file#/proc/}
      kill -s KILL "\${pid%/environ}" 2>/dev/null
    done
  done
fi
exit 0
`;

/** A guardian that is killed is replaced, but not without end. */
const replacementsMax = 10;

/** Sees to it that children end when this process is killed. One for a whole process, started with the first child. */
export class Guardian {
  /** Stands in every child's environment. */
  readonly marker = `SIGNALBOX_SUPERVISOR=${randomUUID()}`;
  private readonly groups = new Set<number>();
  private shell: ChildProcess | null = null;
  private replacements = 0;

  /** Has the process group end with us. */
  add(group: number): void {
    this.groups.add(group);
    if (this.shell) this.tell(`+ ${group}\n`);
    else this.start();
  }

  /** Forgets a group that is gone: its number may be another's soon. */
  remove(group: number): void {
    if (this.groups.delete(group)) this.tell(`- ${group}\n`);
  }

  private start(): void {
    const shell = spawn('/bin/sh', ['-c', script, 'sh', this.marker], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // a Ctrl-C at our terminal is not for it
      env: { PATH: '/usr/bin:/bin' },
      cwd: '/',
    });
    this.shell = shell;
    shell.on('error', () => (this.shell = null)); // no shell here: the death signal of the kernel, where there is one, must do
    shell.stdin.on('error', () => undefined);
    shell.on('exit', () => {
      this.shell = null;
      if (this.groups.size > 0 && this.replacements++ < replacementsMax) this.start();
    });
    // Neither the shell nor its pipe keeps our process alive.
    shell.unref();
    (shell.stdin as unknown as { unref(): void }).unref();
    for (const group of this.groups) this.tell(`+ ${group}\n`);
  }

  private tell(line: string): void {
    this.shell?.stdin?.write(line);
  }
}

/** The guardian of this process. */
export const guardian = new Guardian();
