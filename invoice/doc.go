// Package invoice turns the overage of ended periods into charges and posts them to Stripe exactly once.
//
// Balances of ended periods become a Plan (BuildPlan, a pure function: preview and post run the same code on the same
// inputs). Post freezes the plan's ready charges in the warehouse, reads them back, and then sends each of them by the
// protocol that DESIGN.md describes: list, announce, verify, send under a key of its own, write down what came back.
//
// What always holds: a charge's id and idempotency key hold no amount, run or time; nothing is sent that was not frozen
// and announced before; an answer that proves nothing leaves the charge open for the next run; Σ lines = charge.
package invoice
