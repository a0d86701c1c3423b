package post

import (
	"math/rand/v2"
	"net/http"

	"github.com/creditmill/creditmill/invoice/stripefake"
)

// troubled is a network on which requests meet a random fault.
type troubled struct {
	http.RoundTripper
	fake   *stripefake.Server
	random *rand.Rand
	// hostile: most requests that write end in a failure that is kept under the key.
	hostile bool
	tally   *tally
}

func (n troubled) RoundTrip(request *http.Request) (*http.Response, error) {
	n.fake.ClearFaults()
	fault := stripefake.Fault{Method: request.Method}
	switch {
	case request.Method != http.MethodPost && n.hostile:
	case request.Method != http.MethodPost:
		fault.Kind = n.read()
	case n.hostile:
		fault.DelayS = 120 + n.random.IntN(400)
		fault.Kind = []string{
			stripefake.Error500Late, stripefake.Error500, stripefake.LockTimeout, stripefake.Delayed, stripefake.DropAfter, "",
		}[n.random.IntN(6)]
	default:
		fault.DelayS = n.random.IntN(120)
		fault.Kind = n.write()
	}
	if fault.Kind != "" {
		n.fake.Inject(fault)
		n.tally.faults++
	}
	return n.RoundTripper.RoundTrip(request)
}

// write is what befalls a request that writes; empty: nothing.
func (n troubled) write() string {
	switch x := n.random.IntN(100); {
	case x < 10:
		return stripefake.DropBefore
	case x < 18:
		return stripefake.RateLimit
	case x < 20:
		return stripefake.Unavailable
	case x < 35:
		return stripefake.Delayed
	case x < 47:
		return stripefake.DropAfter
	case x < 50:
		return stripefake.EmptyObject
	case x < 58:
		return stripefake.Error500
	case x < 61:
		return stripefake.Error500Done
	case x < 64:
		return stripefake.Error500Late
	case x < 72:
		return stripefake.LockTimeout
	}
	return ""
}

// read is what befalls one that reads.
func (n troubled) read() string {
	switch x := n.random.IntN(100); {
	case x < 2:
		return stripefake.DropAfter
	case x < 4:
		return stripefake.BadGateway
	case x < 6:
		return stripefake.EmptyObject
	}
	return ""
}
