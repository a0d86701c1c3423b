// Asks a warehouse over HTTP as an analyst's program does: node client.mjs URL USER PASSWORD. Prints JSON.
import { createRequire } from "node:module";

const [url, username, password] = process.argv.slice(2);
const { createClient } = createRequire(process.cwd() + "/")("@clickhouse/client");
const client = createClient({ url, username, password, database: "creditmill" });
const asked = async (query, format = "JSONEachRow", query_params = {}) =>
  (await client.query({ query, format, query_params })).json();
try {
  const charges = await asked(
    "SELECT customer_id, amount_minor FROM v_charges WHERE currency = {code:String} ORDER BY customer_id",
    "JSONEachRow", { code: "usd" });
  const tables = await asked("SELECT DISTINCT table_name FROM information_schema.tables ORDER BY table_name");
  const columns = await asked("SELECT column_name FROM information_schema.columns WHERE table_name = 'v_charges'");
  const events = await client.query({ query: "SELECT event_id FROM v_events", format: "JSONEachRow" });
  let streamed = 0;
  for await (const rows of events.stream()) streamed += rows.length;
  console.log(JSON.stringify({
    ping: (await client.ping()).success, charges, tables: tables.map((t) => t.table_name), columns: columns.length, streamed,
  }));
} catch (error) {
  console.log(JSON.stringify({ error: error.message, code: error.code }));
} finally {
  await client.close();
}
