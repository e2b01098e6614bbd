import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { Handles } from '@signalbox/shared/bus/handles.js';
import { decodeCursor, pageLimitDefault, pageOf } from '@signalbox/shared/bus/page.js';
import { listReviews, type ListReviewsReply, ListReviewsRequest } from '@signalbox/shared/contracts/registry/list-reviews.js';
import { WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { type Caller, FromCaller } from '@signalbox/shared/identity/caller.js';
import { reviewOf } from './review.ts';
import { ReviewStore } from './review.store.ts';

@Controller()
export class ListReviewsHandler {
  constructor(
    private readonly db: WorkspaceDatabase,
    private readonly reviews: ReviewStore,
  ) {}

  @Handles(listReviews)
  async handle(
    @Payload() { limit = pageLimitDefault, cursor, q }: ListReviewsRequest,
    @FromCaller() { workspace }: Caller,
  ): Promise<ListReviewsReply> {
    const after = cursor === undefined ? '' : decodeCursor(cursor, 1)[0]!;
    const rows = await this.db.inWorkspace(workspace, (tx) => this.reviews.list(tx, { limit, after, ...(q !== undefined && { q }) }));
    return pageOf(rows, limit, ({ agent }) => [agent], reviewOf);
  }
}
