package warehouse

import (
	"context"
	"net"
)

// dial connects to the engine by the native protocol, wherever it listens by now.
func (e *engine) dial(ctx context.Context, _ string) (net.Conn, error) {
	if err := e.revive(ctx); err != nil {
		return nil, err
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", e.address())
}

// dialHTTP is dial by HTTP.
func (e *engine) dialHTTP(ctx context.Context) (net.Conn, error) {
	if err := e.revive(ctx); err != nil {
		return nil, err
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", loopbackAddress(e.httpPort()))
}

// revive starts the engine again where it has ended, or joins the one that another command has started since: it may
// listen at other ports.
func (e *engine) revive(ctx context.Context) error {
	alive, err := e.alive()
	if err != nil {
		return err
	}
	if alive {
		e.mutex.Lock()
		defer e.mutex.Unlock()
		return e.join()
	}
	e.config.Log.Warn().Str("directory", e.files.directory).Msg("engine_ended_and_is_started_again")
	return e.startOrJoin(ctx)
}
