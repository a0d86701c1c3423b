// Asks the Stripe stand-in of the demo: node stripe.mjs URL METHOD PATH [key=value]… prints the answer as one line of JSON.
const [url, method, path, ...fields] = process.argv.slice(2);
const form = new URLSearchParams(fields.map((field) => [field.split("=")[0], field.slice(field.indexOf("=") + 1)]));
const answer = await fetch(url + path, {
  method,
  headers: { Authorization: "Bearer sk_test_demo" },
  body: method === "POST" ? form : undefined,
});
console.log(JSON.stringify(await answer.json()));
process.exitCode = answer.ok ? 0 : 1;
