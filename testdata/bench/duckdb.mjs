// What a script on DuckDB does in place of creditmill's load, aggregate and invoice preview: reads a file of usage events,
// counts each event id once, and sums tokens by customer, model and day. With DATABASE, a file, it keeps the events there,
// as a warehouse does; else it keeps nothing. Prints the totals, which must be creditmill's.
// Usage: node duckdb.mjs FILE.jsonl [DATABASE]
import { DuckDBInstance } from '@duckdb/node-api';

const [file, database] = process.argv.slice(2);
const connection = await (await DuckDBInstance.create(database ?? ':memory:')).connect();
let events = `(SELECT DISTINCT ON (event_id) * FROM read_json('${file}', format = 'newline_delimited', columns = {
    event_id: 'VARCHAR', occurred_at: 'TIMESTAMP', customer_id: 'VARCHAR', model: 'VARCHAR', input_tokens: 'UBIGINT',
    cached_input_tokens: 'UBIGINT', output_tokens: 'UBIGINT'}))`;
if (database) {
    await connection.run(`CREATE TABLE usage_events AS FROM ${events}`);
    events = 'usage_events';
}
await connection.run(`
    CREATE TABLE usage_daily AS
    SELECT customer_id, model, CAST(occurred_at AS DATE) AS day, count(*) AS events, sum(input_tokens) AS input,
        sum(cached_input_tokens) AS cached_input, sum(output_tokens) AS output
    FROM ${events}
    GROUP BY ALL`);
const totals = await connection.runAndReadAll(`
    SELECT sum(events), count(DISTINCT customer_id), sum(input), sum(cached_input), sum(output) FROM usage_daily`);
const [rows, customers, input, cached, output] = totals.getRows()[0].map(Number);
console.log(JSON.stringify({ rows_loaded: rows, customers, tokens: { input, cached_input: cached, output } }));
