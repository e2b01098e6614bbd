/** Why the stack cannot start or go on, in a sentence, and what to do about it. It is printed without a stack. */
export class StackFault extends Error {
  override readonly name = 'StackFault';

  constructor(
    readonly detail: string,
    readonly next: string,
    options?: { cause?: unknown },
  ) {
    super(`${detail}\n${next}`, options);
  }
}
