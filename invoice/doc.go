// Package invoice turns the overage of ended periods into charges and posts them to Stripe exactly once.
//
// A Runner reads what a plan is made from (Plan), freezes the plan's ready charges in the ledger, reads them back, and
// sends each of them by the protocol that DESIGN.md describes (Post): list, announce, verify, send under a key of its
// own, write down what came back. It compares the ledger with Stripe (Reconcile, Repair, Settle), and takes the
// decisions of persons (Release, Rebill, Resolve).
//
// What it stands on are rooms of their own: plan makes the plan and is pure, ledger keeps what is frozen and what
// happened, stripe asks Stripe, explain walks a charge down to its rows, sync brings Stripe's subscriptions here, page
// and reprice show a plan and another catalog. None of them knows this package.
//
// What always holds: a charge's id and idempotency key hold no amount, run or time; nothing is sent that was not frozen
// and announced before; an answer that proves nothing leaves the charge open for the next run; Σ lines = charge.
package invoice
