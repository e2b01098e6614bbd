/** A piece of text that a model has just written; see `task-delta`. */
export interface Piece {
  attempt: number;
  turn: number;
  offset: number;
  text: string;
}

/** Between the text of two turns: what a model said before it used its tools, and after. */
const between = '\n\n';

/** What was said of an answer so far: pieces may be lost, come twice, or belong to an attempt that failed, and in the end the whole is there. */
export class SpokenText {
  private attempt = -1;
  private turn = 0;
  private turnText = '';
  private hasSpoken = false;
  private isInTurn = false;
  /** No further piece fits to what was said: the end says the rest. */
  private isBroken = false;

  /** What is to be said of a piece now; may be nothing. */
  hear({ attempt, turn, offset, text }: Piece): string {
    if (attempt < this.attempt || (attempt === this.attempt && turn < this.turn)) return '';
    if (attempt > this.attempt && this.attempt >= 0 && this.hasSpoken) this.isBroken = true; // what an earlier attempt said cannot be unsaid
    if (this.isBroken) return '';
    if (attempt !== this.attempt || turn !== this.turn) {
      this.attempt = attempt;
      this.turn = turn;
      this.turnText = '';
      this.isInTurn = false;
    }
    if (offset < this.turnText.length) return '';
    if (offset > this.turnText.length) {
      this.isBroken = true;
      return '';
    }
    this.turnText += text;
    return this.say(text);
  }

  /** What is still to be said, now that the whole answer is known. */
  end(answer: string): string {
    const rest = answer.startsWith(this.turnText) ? answer.slice(this.turnText.length) : answer;
    if (rest.length === answer.length) this.isInTurn = false;
    return rest === '' ? '' : this.say(rest);
  }

  private say(text: string): string {
    const said = this.hasSpoken && !this.isInTurn ? between + text : text;
    this.hasSpoken = this.isInTurn = true;
    return said;
  }
}
