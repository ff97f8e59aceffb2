// BSON values for mingo, and back. mingo compares plain JavaScript values; BSON wraps numbers and
// binaries. A plain value stands for a BSON value in queries, indexes and pipelines only: what is
// stored is never rebuilt from it, except for what a pipeline has computed.
import { Binary, Decimal128, Double, Int32, Long, ObjectId } from 'bson';

const BINARY = '\u0000binary:';
const OBJECT_ID = '\u0000oid:';

export function plain(value) {
  if (value instanceof Int32 || value instanceof Double) return value.valueOf();
  if (value instanceof Long) return value.toNumber();
  if (value instanceof Binary) {
    // Sorts as in MongoDB: length, subtype, bytes.
    const size = value.length().toString(16).padStart(8, '0');
    const subtype = value.sub_type.toString(16).padStart(2, '0');
    return BINARY + size + subtype + Buffer.from(value.value()).toString('hex');
  }
  if (value instanceof ObjectId) return OBJECT_ID + value.toHexString();
  if (value instanceof Decimal128) return Number(value.toString());
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]));
  return value;
}

export function bsonOf(value) {
  if (typeof value === 'string' && value.startsWith(BINARY)) {
    const hex = value.slice(BINARY.length + 8);
    return new Binary(Buffer.from(hex.slice(2), 'hex'), parseInt(hex.slice(0, 2), 16));
  }
  if (typeof value === 'string' && value.startsWith(OBJECT_ID))
    return new ObjectId(value.slice(OBJECT_ID.length));
  if (Array.isArray(value)) return value.map(bsonOf);
  if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, bsonOf(v)]));
  return value;
}

export const equal = (a, b) => JSON.stringify(plain(a)) === JSON.stringify(plain(b));
