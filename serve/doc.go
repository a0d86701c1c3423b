// Package serve answers HTTP as the commands answer on a terminal: who may use more, what was used, what it will cost,
// and who lets it be posted.
//
// A request is authenticated (tokens.go), looked up in the table of routes (routes.go), and becomes the command of that
// name, whose JSON is the answer (commands.go): nothing is computed here, so that HTTP and the command line never
// differ. Who is entitled is answered from the memory of aggregate.Live, which has the command's answer or none. Events
// that come one by one go to a spool on disk (spool.go, events.go) before they are accepted, and from there into loads.
// What always holds: an event that was answered with 202 is on disk; the same event id counts once; one request that
// writes runs at a time; no token is in a log, and none is stored but its hash.
package serve
