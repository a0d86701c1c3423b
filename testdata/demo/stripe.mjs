// Asks the Stripe stand-in of the demo: node stripe.mjs URL METHOD PATH [key=value]… prints the answer as one line of JSON.
const [url, method, path, ...fields] = process.argv.slice(2);
const form = new URLSearchParams(fields.map((field) => [field.split("=")[0], field.slice(field.indexOf("=") + 1)]));
// What Stripe does not have, its clock, takes JSON.
const body = path.startsWith("/fake/")
  ? JSON.stringify(Object.fromEntries([...form].map(([name, value]) => [name, Number(value)])))
  : form;
const answer = await fetch(url + path, {
  method,
  headers: { Authorization: "Bearer sk_test_demo" },
  body: method === "POST" ? body : undefined,
});
console.log(JSON.stringify(await answer.json()));
process.exitCode = answer.ok ? 0 : 1;
