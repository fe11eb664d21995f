import { crc32 } from 'node:zlib';

/** A ZIP archive with one uncompressed file. @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
export function zipFile(name: string, content: string): Buffer {
  const data = Buffer.from(content);
  const path = Buffer.from(name);
  const common = Buffer.alloc(26);
  // Version 1.0, no flags, no compression, 1 January 1980.
  common.writeUInt16LE(10, 0);
  common.writeUInt16LE(0x21, 8);
  common.writeUInt32LE(crc32(data), 10);
  common.writeUInt32LE(data.length, 14);
  common.writeUInt32LE(data.length, 18);
  common.writeUInt16LE(path.length, 22);
  const local = Buffer.concat([signature(0x04034b50), common, path, data]);
  // No comment, disk 0, text with the permissions 0644, at offset 0.
  const entryEnd = Buffer.alloc(14);
  entryEnd.writeUInt32LE(0o100644 * 0x10000, 6);
  const entry = Buffer.concat([signature(0x02014b50), Buffer.from([10, 3]), common, entryEnd, path]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(entry.length, 8);
  end.writeUInt32LE(local.length, 12);
  return Buffer.concat([local, entry, signature(0x06054b50), end]);
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
