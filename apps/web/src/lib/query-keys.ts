/**
 * The beginnings of query keys that several modules make or invalidate. Every other key is written once, in the `queries.ts` of its feature
 * or in the module of lib/ that fetches, with its invalidate functions beside it.
 */
export const queryKeys = {
  activity: ['activity'],
  connectionHealth: ['connection-health'],
  connections: ['connections'],
  deadLetters: ['dead-letters'],
  events: ['events'],
  status: ['status'],
} as const;

/** The key of a count that one dialog fetches and nothing else shows; `id` is the id of the dialog. */
export const previewKey = (id: string) => ['preview', id] as const;
