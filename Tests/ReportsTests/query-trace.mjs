// Opens a trace in Perfetto's own trace processor (its WebAssembly build, as the Perfetto UI loads it) and runs SQL on it.
// usage: node query-trace.mjs FOLDER-of-the-UI TRACE SQL…   prints one JSON array of rows for each statement
// Wire format: protos/perfetto/trace_processor/trace_processor.proto of the Perfetto project.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import vm from "node:vm";

const [folder, trace, ...statements] = process.argv.slice(2);

// --- protobuf, the few shapes that are needed
function varint(value) {
  const bytes = [];
  while (value > 127) {
    bytes.push((value & 127) | 128);
    value >>>= 7;
  }
  return Buffer.from([...bytes, value]);
}
const number = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const bytes = (field, value) => Buffer.concat([varint((field << 3) | 2), varint(value.length), value]);

function readVarint(cursor) {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = cursor.data[cursor.at++];
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return BigInt.asIntN(64, value);
  }
}
function* fields(data) {
  const cursor = { data, at: 0 };
  while (cursor.at < data.length) {
    const tag = Number(readVarint(cursor));
    if ((tag & 7) === 0) yield [tag >> 3, readVarint(cursor)];
    else if ((tag & 7) === 1) yield [tag >> 3, data.subarray(cursor.at, (cursor.at += 8))];
    else if ((tag & 7) === 2) {
      const length = Number(readVarint(cursor));
      yield [tag >> 3, data.subarray(cursor.at, (cursor.at += length))];
    } else if ((tag & 7) === 5) yield [tag >> 3, data.subarray(cursor.at, (cursor.at += 4))];
    else throw new Error(`wire type ${tag & 7}`);
  }
}

// --- the rows of a QueryResult
function append(result, table) {
  for (const [field, value] of fields(result)) {
    if (field === 1) table.columns.push(value.toString());
    if (field === 2) throw new Error(value.toString());
    if (field === 3) appendBatch(value, table);
  }
}
function appendBatch(batch, table) {
  const types = [], integers = [], reals = [];
  let strings = [];
  for (const [field, value] of fields(batch)) {
    const cursor = { data: value, at: 0 };
    if (field === 1) types.push(...value);
    if (field === 2) while (cursor.at < value.length) integers.push(Number(readVarint(cursor)));
    if (field === 3) for (let at = 0; at < value.length; at += 8) reals.push(value.readDoubleLE(at));
    if (field === 5) strings = value.toString().split("\0");
  }
  const taken = { 1: () => null, 2: () => integers.shift(), 3: () => reals.shift(), 4: () => strings.shift() };
  for (const type of types) table.cells.push(taken[type]());
}

// --- the trace processor, in what it takes for a worker of a browser
const replies = [];
const port = {
  postMessage(reply) {
    for (const [field, value] of fields(Buffer.from(reply))) if (field === 1) replies.push(value);
  },
};
class XMLHttpRequest {
  open(method, path) {
    this.path = join(folder, path.split("/").pop());
  }
  send() {
    const file = readFileSync(this.path);
    this.response = file.buffer.slice(file.byteOffset, file.byteOffset + file.length);
  }
}
const worker = {
  location: { href: "http://localhost/" },
  console: { log() {}, warn: console.error, error: console.error },
  ...{ TextDecoder, TextEncoder, performance, setTimeout, crypto, URL, XMLHttpRequest },
  WorkerGlobalScope: class {},
};
worker.self = worker;
vm.runInContext(readFileSync(join(folder, "engine_bundle.js"), "utf8"), vm.createContext(worker));
worker.onmessage({ data: port });

let sequence = 0;
async function call(method, argument) {
  const message = Buffer.concat([number(1, sequence++), number(2, method), argument]);
  const stream = vm.runInContext("n => new Uint8Array(n)", worker)(0);
  const packet = bytes(1, message);
  const view = new stream.constructor(packet.length);
  view.set(packet);
  replies.length = 0;
  for (let tries = 0; ; tries++) {
    try {
      port.onmessage({ data: view });
      break;
    } catch (failure) {
      if (tries > 200 || sequence > 1) throw failure;
      await new Promise((done) => setTimeout(done, 50)); // the module is still being compiled
    }
  }
  for (const reply of replies) for (const [field, value] of fields(reply)) if (field === 5) throw new Error(value.toString());
  return replies.flatMap((reply) => [...fields(reply)]);
}
const appendData = 1, finalize = 2, query = 3;

await new Promise((done) => setTimeout(done, 300));
const content = readFileSync(trace);
for (let at = 0; at < content.length; at += 1 << 24) {
  for (const [field, value] of await call(appendData, bytes(101, content.subarray(at, at + (1 << 24)))))
    if (field === 201) for (const [inner, text] of fields(value)) if (inner === 2) throw new Error(text.toString());
}
await call(finalize, Buffer.alloc(0));
for (const statement of statements) {
  const table = { columns: [], cells: [] };
  for (const [field, value] of await call(query, bytes(103, bytes(1, Buffer.from(statement))))) if (field === 203) append(value, table);
  const rows = [];
  while (table.cells.length) rows.push(table.cells.splice(0, table.columns.length));
  console.log(JSON.stringify(rows));
}
process.exit(0);
