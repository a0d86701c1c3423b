// Package invoice turns the overage of ended periods into charges and posts them to Stripe exactly once.
//
// A Runner ties the rooms: it reads what a plan is made from (Plan), freezes the plan's ready charges and has them sent
// (Post), has the ledger compared with Stripe (Reconcile, Repair, Settle), and takes the decisions of persons (Release,
// Rebill, Resolve).
//
// The rooms: plan makes the plan and is pure, ledger keeps what is frozen and what happened, stripe asks Stripe, post
// sends by the protocol that DESIGN.md describes, reconcile compares, explain walks a charge down to its rows, sync
// brings Stripe's subscriptions here, page and reprice show a plan and another catalog. None knows this package.
//
// What always holds: a charge's id and idempotency key hold no amount, run or time; nothing is sent that was not frozen
// and announced before; an answer that proves nothing leaves the charge open for the next run; Σ lines = charge.
package invoice
