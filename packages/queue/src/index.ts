export { type LaneState, readBacklog } from './backlog.ts';
export { createLaneBoard, type LaneBoard } from './board/lane-board.ts';
export { Lane, type LaneOptions } from './lane.ts';
export { createLaneQueue, hasJob, readJob, removeJob, removeLane } from './lane-queue.ts';
export { type LaneStatus, readLaneStatus } from './lane-status.ts';
export { type MailboxOptions, postMail, startMailbox } from './mailbox.ts';
export { createProducer, type Producer, readDepths } from './producer.ts';
export { purgeLane } from './purge-lane.ts';
export { putBackJobs } from './put-back.ts';
