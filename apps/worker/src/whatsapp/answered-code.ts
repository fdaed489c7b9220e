/** The number of an error that WhatsApp answered a question with, which Baileys puts in one of two places; 0 for any other. */
export function answeredCode(error: unknown): number {
  const { data, output } = error as { data?: unknown; output?: { statusCode?: number } };
  return typeof data === 'number' ? data : (output?.statusCode ?? 0);
}
