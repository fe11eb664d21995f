/** In place of a digit, the value of a byte that is none. */
export const NOT_HEX = 16;

/** The value of each byte as a hexadecimal digit, in either case. */
export const HEX_VALUES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? NOT_HEX : value;
});
