#!/bin/sh
# Walks one customer from the free plan to a posted invoice. Every figure comes from the real program, on a ClickHouse of its
# own under ./demo and a stand-in for Stripe on this machine. Fails if the invoice is not $100.00, or is posted twice.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
rm -rf "$root/demo"
mkdir "$root/demo"
cd "$root/demo"
cp "$root"/testdata/demo/*.jsonl .
PATH=$root/bin:$PATH

fail() {
	echo "demo: $*" >&2
	exit 1
}

# say tells what comes next and why.
say() {
	if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi
}

# run shows a command and runs it; expect looks at what it said.
run() {
	printf '$ creditmill'
	for word in "$@"; do
		case $word in *' '*) printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac
	done
	echo
	creditmill "$@" >out || fail "creditmill $1 ended with exit code $?"
	cat out
}

expect() {
	grep -Eq -- "$1" out || fail "the output above does not show $1"
}

# stripe asks the stand-in: METHOD PATH [key=value]…; field prints a text of its answer.
stripe() {
	node "$root/testdata/demo/stripe.mjs" "$url" "$@" >out || fail "Stripe's stand-in answers: $(cat out)"
}

field() {
	sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" out
}

# lines shows the invoice that renews the subscription.
lines() {
	stripe GET "/v1/invoices/$invoice"
	state=$(grep -o '"status":"[a-z]*"' out | head -n 1 | cut -d '"' -f 4)" "$(grep -o '"total":[0-9]*' out | cut -d : -f 2)
	echo "invoice $invoice is ${state% *}:"
	stripe GET "/v1/invoices/$invoice/lines"
	grep -Eo '"(amount|description)":("[^"]*"|[0-9]+)' out | sed 's/^"\(amount\|description\)"://; s/"//g' |
		awk 'NR % 2 { amount = $0; next } { printf "%10s  %s\n", sprintf("$%.2f", amount / 100), $0 }'
	awk -v total="${state#* }" 'BEGIN { printf "%10s  total\n", sprintf("$%.2f", total / 100) }'
}

stripefake -now 2026-10-05T12:00:00Z -stand >url &
fake=$!
trap 'kill "$fake"' EXIT
trap 'exit 130' INT TERM
tries=0
until [ -s url ]; do
	tries=$((tries + 1))
	[ "$tries" -lt 100 ] || fail "the Stripe stand-in does not start"
	sleep 0.1
done
url=$(cat url)
echo "A stand-in for Stripe listens on $url; nothing leaves this machine."
stripe POST /v1/prices id=price_pro currency=usd unit_amount=10000 'recurring[interval]=month'

say "A new project: a config, and a price book in which one credit is worth one cent."
run init .
printf 'stripe:\n  base_url: %s\n' "$url" >>creditmill.yaml
export CREDITMILL_STRIPE_KEY=sk_test_demo

say "Two customers use small and large models for a few days. Their gateway's log is loaded, and priced in credits."
run load 1-free.jsonl
expect 'committed'
run aggregate --as-of 2026-10-05T12:00:00Z

say "Nobody bought anything, so both have the free plan: 500 credits a month. acme has used all of them."
run balance --at 2026-10-05T12:00:00Z

say "May acme use more? Its gateway asks before it serves the next request: no."
run entitled acme small-model
expect '^no'

say "So acme gets a link to buy Pro: \$100 a month, 10,000 credits, and one cent for each credit beyond."
run attach acme pro --checkout
expect "$url"
link=$(grep -o "$url[^ \"]*" out | head -n 1)

say "acme opens the link and pays. sync takes from Stripe what that changed: acme has Pro from this moment on."
echo "\$ open $link"
stripe GET "${link#"$url"}"
customer=$(field customer)
run sync --yes
expect 'add +acme +pro +2026-10-05T12:00:00Z'

say "A month later: acme used 50,000 small, 10,000 medium and 1,000 large tokens, which is 20,000 credits."
run load 2-pro.jsonl
expect 'committed'

say "The same file again changes nothing."
run load 2-pro.jsonl
expect 'already_loaded'

say "Half of it is beyond the 10,000 included, so the balance is 10,000 below zero …"
run aggregate --as-of 2026-11-05T11:59:59Z
run balance acme
expect ' -10000 '

say "… and acme may still go on, because Pro bills what is beyond."
run entitled acme small-model
expect '^yes'

say "The period has ended. What will be charged, and why? Preview writes nothing to Stripe. beta, on the free plan, owes nothing."
run invoice preview --as-of 2026-11-06
expect '\$100\.00 ready, \$0\.00 held'
plan=$(sed -n 's/^plan \([0-9a-f]*\).*/\1/p' out)

say "Why \$100.00? explain adds it up again from the rows of the files …"
run explain acme --as-of 2026-11-06 --rows
expect '10,000 billable credits × 0.01 = 100 usd exactly'
expect '2-pro.jsonl'

say "… and preview writes a page for finance to read, search and print."
run invoice preview --as-of 2026-11-06 --customer acme --html invoices.html
grep -q 'oc_' invoices.html || fail "invoices.html has no charge"

say "At the period's end Stripe renews the subscription. For about an hour the invoice of that stays a draft."
stripe POST /fake/advance seconds=2679300
stripe GET "/v1/invoices?customer=$customer&status=draft"
invoice=$(grep -o '"id":"in_[^"]*"' out | head -n 1 | cut -d '"' -f 4)
[ -n "$invoice" ] || fail "Stripe has no draft: $(cat out)"
lines

say "Post exactly that plan: the overage goes on this draft. Then post once more, as a cron that was restarted would: nothing is sent."
run invoice post --as-of 2026-11-06 --plan "$plan" --yes
expect ' posted .*\$100\.00'
run invoice post --as-of 2026-11-06 --yes
expect ' already_posted .*\$100\.00'

say "Stripe itself holds exactly one item, of 10,000 cents. An hour later the invoice is final: the base price, and the overage below."
stripe GET "/v1/invoiceitems?customer=$customer"
amounts=$(grep -o '"amount":[0-9-]*' out)
[ "$amounts" = '"amount":10000' ] || fail "Stripe holds $(cat out)"
stripe POST /fake/advance seconds=3600
lines
[ "$state" = "paid 20000" ] || fail "the invoice is $state, not paid over \$200.00"

say "acme's next period has begun, with all of its 10,000 credits."
run aggregate --as-of 2026-11-06
run balance acme
expect ' 10000 +0 +10000 '

say "Analysts ask the warehouse directly. Who owes what, and why?"
run sql "SELECT customer_id, product, period_end, granted, used, billable, capped FROM v_balances ORDER BY ALL"
run sql "SELECT customer_id, period_end, billed_credits, amount_minor, currency, state FROM v_charges ORDER BY ALL"
expect '^acme .* 10000 .* posted'

say "That was the whole path. Open demo/invoices.html in a browser. The data stays in ./demo: cd demo && ../bin/creditmill status"
