// Package web is the web app of serve: pages that finance and operators read and act on, made on the server.
//
// A page asks the API on behalf of who reads it (serve.Server.Ask), reads the JSON that a client would get, and writes
// it as HTML (templates/). So a page computes no figure and decides no right of its own: what a role may do is in the
// table of the API's routes, and pages.go only names the endpoint that each page stands on. Actions are forms that are
// posted, with a token against forgery, and answered by a redirect.
//
// What always holds: nothing is loaded from elsewhere and no script or style stands in a page, so that the
// Content-Security-Policy forbids both; no text of the data changes how a page reads, be it HTML or marks of direction
// (write.go); a token is in no address and no log, and the session that it opened holds only its hash (session.go).
package web
