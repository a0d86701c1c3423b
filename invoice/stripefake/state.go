package stripefake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// state is everything the fake knows; it is what the state file holds.
type state struct {
	Offset        time.Duration
	Serial        int
	Customers     []*Customer
	Products      []*Product
	Prices        []*Price
	Subscriptions []*Subscription
	Schedules     []*Schedule
	Items         []*InvoiceItem
	Invoices      []*Invoice
	Sessions      []*Session
	CreditNotes   []*CreditNote
	Keys          map[string]keptAnswer
}

func newState() state { return state{Keys: map[string]keptAnswer{}} }

// id makes the next id: cus_000001, ii_000002, …
func (s *Server) id(prefix string) string {
	s.state.Serial++
	return fmt.Sprintf("%s_%06d", prefix, s.state.Serial)
}

func (s *Server) load() error {
	if s.config.StateFile == "" {
		return nil
	}
	text, err := os.ReadFile(s.config.StateFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	if err := json.Unmarshal(text, &s.state); err != nil {
		return fmt.Errorf("read state file %s: %w; remove it to start afresh", s.config.StateFile, err)
	}
	if s.state.Keys == nil {
		s.state.Keys = map[string]keptAnswer{}
	}
	return nil
}

// save panics when the state cannot be written: a fake that forgets would make a test lie.
func (s *Server) save() {
	if s.config.StateFile == "" {
		return
	}
	text, err := json.Marshal(s.state)
	if err == nil {
		err = os.WriteFile(s.config.StateFile+".tmp", text, 0o600)
	}
	if err == nil {
		err = os.Rename(s.config.StateFile+".tmp", s.config.StateFile)
	}
	if err != nil {
		panic("stripefake: save state: " + err.Error())
	}
}
