/** The types of the elements of arrays. `hex` is hexadecimal text for bytea, and `json` any value as JSON in text. */
type ElementType = 'uuid' | 'text' | 'integer' | 'bigint' | 'boolean' | 'timestamptz' | 'bytea' | 'hex' | 'json';

/**
 * A column: its name in SQL, its type, and how a row has its value. A column of `lists` becomes three arrays: the texts of all lists one after
 * the other, and the places in it of the first and last text of each row's list (`_from`, `_to`), because an array of Postgres has no rows of
 * different lengths.
 */
export type Column<Row> = readonly [name: string, type: ElementType | 'lists', read: (row: Row) => unknown];

/** The type of the array, and that of its elements as Postgres numbers it. */
const sqlTypes: Record<ElementType, { array: string; oid: number }> = {
  uuid: { array: 'uuid[]', oid: 2950 },
  text: { array: 'text[]', oid: 25 },
  integer: { array: 'integer[]', oid: 23 },
  bigint: { array: 'bigint[]', oid: 20 },
  boolean: { array: 'boolean[]', oid: 16 },
  timestamptz: { array: 'timestamptz[]', oid: 1184 },
  bytea: { array: 'bytea[]', oid: 17 },
  hex: { array: 'bytea[]', oid: 17 },
  json: { array: 'text[]', oid: 25 },
};

/** A value that Postgres would refuse, with the SQLSTATE of that refusal. */
class RefusedValue extends Error {
  override readonly name = 'RefusedValue';
  readonly code: string;
  constructor(code: string, type: ElementType) {
    super(`a value is no ${type} that Postgres can store`);
    this.code = code;
  }
}

/** The names and types of the arrays that {@link encodeArrays} makes of the columns. */
export function arraysOf<Row>(columns: readonly Column<Row>[]): { name: string; type: string }[] {
  return columns.flatMap(([name, type]) => {
    if (type !== 'lists') return [{ name, type: sqlTypes[type].array }];
    return [{ name, type: 'text[]' }, ...['from', 'to'].map((end) => ({ name: `${name}_${end}`, type: 'integer[]' }))];
  });
}

/**
 * Writes the columns of the rows as arrays in the binary format of Postgres, which the driver sends as they are. An array without any value
 * is null. Throws {@link RefusedValue} for a value that is not of the column's type.
 */
export function encodeArrays<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): (Buffer | null)[] {
  end = 0;
  const ends: number[] = [];
  for (const [, type, read] of columns) {
    if (type === 'lists') writeLists(rows, read, ends);
    else ends.push(writeArray(type, rows, read));
  }
  // The driver may keep the arrays until a connection is free, and the scratch memory is written again before that.
  const bytes = Buffer.allocUnsafeSlow(end);
  scratch.copy(bytes, 0, 0, end);
  return ends.map((to, index) => {
    const from = ends[index - 1] ?? 0;
    return from === to ? null : bytes.subarray(from, to);
  });
}

let scratch = Buffer.allocUnsafeSlow(256 * 1024);
let end = 0;

/** The head of an array: five integers. */
const headBytes = 20;

function reserve(bytes: number): void {
  if (end + bytes <= scratch.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(end + bytes, 2 * scratch.length));
  scratch.copy(larger, 0, 0, end);
  scratch = larger;
}

/** Returns where the array ends; an array without any value is not written. */
function writeArray<Row>(type: ElementType, rows: readonly Row[], read: (row: Row) => unknown): number {
  const start = end;
  const write = writers[type];
  let nulls = 0;
  reserve(headBytes);
  end += headBytes;
  for (const row of rows) {
    const value = read(row);
    if (value !== null && value !== undefined) write(value);
    else {
      nulls++;
      reserve(4);
      end = scratch.writeInt32BE(-1, end);
    }
  }
  if (nulls === rows.length) {
    end = start;
    return end;
  }
  // One dimension, whether there are nulls, the type of the elements, how many there are, and the number of the first.
  let at = start;
  for (const field of [1, nulls > 0 ? 1 : 0, sqlTypes[type].oid, rows.length, 1]) at = scratch.writeInt32BE(field, at);
  return end;
}

function writeLists<Row>(rows: readonly Row[], read: (row: Row) => unknown, ends: number[]): void {
  const lists = rows.map((row) => (read(row) ?? []) as readonly string[]);
  const texts = lists.flat();
  if (texts.length === 0) {
    ends.push(end, end, end);
    return;
  }
  let place = 0;
  const places = lists.map((list) => {
    const from = place + 1;
    place += list.length;
    return { from, to: place };
  });
  ends.push(
    writeArray('text', texts, (text) => text),
    writeArray('integer', places, ({ from }) => from),
    writeArray('integer', places, ({ to }) => to),
  );
}

/** Each writes the length of an element and the element. */
const writers: Record<ElementType, (value: unknown) => void> = {
  uuid(value) {
    const text = String(value);
    if (text.length !== 36) throw new RefusedValue('22P02', 'uuid');
    writeHex(text, 16, 'uuid');
  },
  text: (value) => writeText(String(value)),
  integer(value) {
    if (!Number.isInteger(value) || (value as number) !== ((value as number) | 0)) throw new RefusedValue('22003', 'integer');
    reserve(8);
    end = scratch.writeInt32BE(4, end);
    end = scratch.writeInt32BE(value as number, end);
  },
  bigint(value) {
    const number = Number(value);
    if (Number.isNaN(number)) throw new RefusedValue('22P02', 'bigint');
    if (Number.isSafeInteger(number)) writeInt64(number);
    else writeLargeInteger(String(value));
  },
  boolean(value) {
    if (typeof value !== 'boolean') throw new RefusedValue('22P02', 'boolean');
    reserve(5);
    end = scratch.writeInt32BE(1, end);
    scratch[end++] = value ? 1 : 0;
  },
  timestamptz(value) {
    const ms = Date.parse(String(value));
    if (Number.isNaN(ms)) throw new RefusedValue('22007', 'timestamptz');
    writeInt64((ms - epochMs) * 1000);
  },
  bytea(value) {
    const bytes = value as Uint8Array;
    reserve(4 + bytes.length);
    end = scratch.writeInt32BE(bytes.length, end);
    scratch.set(bytes, end);
    end += bytes.length;
  },
  hex: (value) => writeHex(String(value), String(value).length / 2, 'hex'),
  json: (value) => writeText(JSON.stringify(value)),
};

/** Postgres counts microseconds from the year 2000. */
const epochMs = Date.UTC(2000, 0, 1);

function writeInt64(value: number): void {
  reserve(12);
  end = scratch.writeInt32BE(8, end);
  const high = Math.floor(value / 2 ** 32);
  end = scratch.writeInt32BE(high, end);
  end = scratch.writeUInt32BE(value - high * 2 ** 32, end);
}

/** An integer of 64 bits that is too large for a number. */
function writeLargeInteger(text: string): void {
  if (!/^-?[0-9]{1,30}$/.test(text)) throw new RefusedValue('22P02', 'bigint');
  const value = BigInt(text);
  if (BigInt.asIntN(64, value) !== value) throw new RefusedValue('22003', 'bigint');
  reserve(12);
  end = scratch.writeInt32BE(8, end);
  end = scratch.writeBigInt64BE(value, end);
}

function writeText(text: string): void {
  const { length } = text;
  reserve(4 + 3 * length);
  const at = end + 4;
  let written = 0;
  // Measured: below some fifty characters, a loop is faster than the call that encodes any text.
  if (length <= 48) {
    for (; written < length; written++) {
      const code = text.charCodeAt(written);
      if (code > 127) break;
      scratch[at + written] = code;
    }
  }
  if (written < length) {
    // Encoding would replace half a character by another one, which Postgres would store.
    if (!text.isWellFormed()) throw new RefusedValue('22021', 'text');
    written = scratch.write(text, at, 'utf8');
  }
  scratch.writeInt32BE(written, end);
  end = at + written;
}

/** The value of each hexadecimal digit by its character code; 255 for other characters. */
const digits = new Uint8Array(128).fill(255);
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  digits[digit.charCodeAt(0)] = value;
  digits[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Writes hexadecimal digits as so many bytes; hyphens between bytes are left out. */
function writeHex(text: string, bytes: number, type: ElementType): void {
  reserve(4 + bytes);
  end = scratch.writeInt32BE(bytes, end);
  let at = 0;
  for (let n = 0; n < bytes; n++) {
    if (type === 'uuid' && (at === 8 || at === 13 || at === 18 || at === 23) && text.charCodeAt(at++) !== 45)
      throw new RefusedValue('22P02', type);
    const high = digits[text.charCodeAt(at++)] ?? 255;
    const low = digits[text.charCodeAt(at++)] ?? 255;
    if (high > 15 || low > 15) throw new RefusedValue('22P02', type);
    scratch[end++] = high * 16 + low;
  }
}
