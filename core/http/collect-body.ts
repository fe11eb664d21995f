/**
 * Collects a request body of at most `limit` bytes. Reads a longer body to its end, and discards it: a client that is
 * still sending would see a broken connection instead of the response. The gateway limits how much it can send.
 * @returns the chunks, or undefined for a longer body
 */
export async function collectBody<Chunk extends Uint8Array>(
  body: AsyncIterable<Chunk>,
  limit: number,
): Promise<readonly Chunk[] | undefined> {
  const chunks: Chunk[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
  }
  return size > limit ? undefined : chunks;
}
