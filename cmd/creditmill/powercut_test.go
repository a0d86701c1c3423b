package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
)

// powerCuts cuts the power of commands that run on a warehouse of their own.
type powerCuts struct {
	*program
	t      *testing.T
	random *rand.Rand
	strace string // empty: there is none
	usual  time.Duration
	// lost says what the last cut took, outcomes how many commands ended how.
	lost     string
	outcomes map[string]int
}

// newPowerCuts: CUTS says how often, SEED repeats a run as far as time lets it.
func newPowerCuts(t *testing.T, p *program, few uint64) (c *powerCuts, cuts uint64) {
	t.Helper()
	cuts, seed := number(t, "CUTS", few), number(t, "SEED", uint64(time.Now().UnixNano()))
	strace, err := exec.LookPath("strace")
	if err != nil || os.Getenv("CUTS_UNTRACED") != "" {
		strace = ""
	}
	t.Logf("CUTS=%d SEED=%d strace=%q", cuts, seed, strace)
	return &powerCuts{
		program: p, t: t, random: rand.New(rand.NewPCG(seed, 0)), strace: strace, outcomes: map[string]int{},
	}, cuts
}

// during runs a command and cuts the power while it runs, or right after. done tells whether it had reported success.
// The directory is then as the disk had it, and the engine is off.
func (c *powerCuts) during(arguments ...string) (done bool) {
	c.t.Helper()
	folder := c.t.TempDir()
	backup, log := filepath.Join(folder, "backup"), filepath.Join(folder, "trace")
	if _, err := os.Stat(c.directory); err == nil {
		c.must(exec.Command("cp", "-a", c.directory, backup).Run())
	}
	command := c.command(c.t, c.dsn, arguments...)
	if c.strace != "" {
		c.must(traced(command, c.strace, folder, log))
	}
	c.must(command.Start())
	ended := make(chan struct{})
	go func() {
		command.Wait() //nolint:errcheck // its exit code is looked at below
		close(ended)
	}()
	if c.strace != "" {
		awaitTrace(log, ended)
	}
	started := time.Now()
	moment := time.Hour // until it has ended
	if c.usual > 0 && c.random.IntN(6) > 0 {
		moment = time.Duration(c.random.Int64N(int64(c.usual)))
	}
	select {
	case <-ended:
	case <-time.After(moment):
		command.Process.Kill() //nolint:errcheck // it may have ended
		c.killEngine(c.t)
		<-ended
	}
	code := command.ProcessState.ExitCode()
	done = code == exitOK || code == exitPartial
	switch {
	case done:
		c.usual = max(c.usual/2, time.Since(started))
		c.outcomes["done"]++
	case code == -1:
		c.outcomes["killed"]++
	default:
		c.outcomes["error"]++
		if message := command.Stderr.(*bytes.Buffer).String(); moment == time.Hour {
			c.t.Fatalf("%v: exit code %d: %s", arguments, code, message)
		}
	}
	c.killEngine(c.t)
	c.lose(folder)
	return done
}

// lose makes the directory what the disk had of it.
func (c *powerCuts) lose(folder string) {
	c.t.Helper()
	if c.strace == "" {
		c.lost = "bytes of parts that were not finished"
		c.must(loseUnsynced(c.directory, c.random))
		return
	}
	disk, err := newDisk(c.directory, filepath.Join(folder, "backup"))
	c.must(err)
	c.must(disk.replay(filepath.Join(folder, "trace")))
	c.must(disk.check())
	left := filepath.Join(folder, "left")
	c.lost, err = disk.cut(left, c.random)
	c.must(err)
	c.t.Logf("lost: %s", c.lost)
	c.must(os.RemoveAll(c.directory))
	c.must(os.Rename(left, c.directory))
}

// awaitTrace waits for the first line of a trace: a strace that is killed before it has begun stays stopped forever.
func awaitTrace(log string, ended <-chan struct{}) {
	for {
		if info, err := os.Stat(log); err == nil && info.Size() > 0 {
			return
		}
		select {
		case <-ended:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

func (c *powerCuts) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("%v (lost: %s)", err, c.lost)
	}
}

// loseUnsynced takes what nobody has synced, as far as that is known without a trace: a part is synced before it gets
// its name, so the bytes of parts that have none yet, and those of the engine's logs.
func loseUnsynced(directory string, random *rand.Rand) error {
	files, err := filepath.Glob(filepath.Join(directory, "data", "store", "*", "*", "tmp_*", "*"))
	if err != nil {
		return err
	}
	logs, err := filepath.Glob(filepath.Join(directory, "engine", "*.log"))
	if err != nil {
		return err
	}
	for _, file := range append(files, logs...) {
		info, err := os.Stat(file)
		if err == nil && info.Mode().IsRegular() {
			err = os.Truncate(file, random.Int64N(info.Size()+1)*int64(random.IntN(2)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// wantWhole opens what the cut left and has every file read and every figure made again.
func (c *powerCuts) wantWhole() {
	c.t.Helper()
	stdout, stderr, code := c.run(c.t, c.dsn, "verify", "--deep")
	if code != exitOK {
		c.t.Fatalf("verify after the cut, which lost %s: exit code %d\n%s%s", c.lost, code, stdout, stderr)
	}
}

// TestPowerCutWhileLoading cuts the power at random moments of loads. What a load had reported is there afterwards; any
// other is there as a whole or not at all, and loading its file again brings every row and token exactly once.
func TestPowerCutWhileLoading(t *testing.T) {
	p, w := newProgram(t)
	c, cuts := newPowerCuts(t, p, 3)
	c.must(w.Close())
	c.killEngine(c.t)
	c.must(os.RemoveAll(p.directory)) // the first command makes a new warehouse
	known, ids := map[string]uint64{}, []string{}
	folder := t.TempDir()
	var files []usageFile
	for i := range cuts {
		f := writeUsage(t, filepath.Join(folder, fmt.Sprintf("%d.jsonl", i)), 1000, c.random, known, &ids)
		files = append(files, f)
		done := c.during("load", "--json", "--init", f.path)
		c.wantWhole()
		w := p.open(t, 0)
		if done {
			wantExactly(t, w, files)
		}
		p.wantLoaded(t, f)
		wantExactly(t, w, files)
		c.must(w.Close())
		if t.Failed() {
			t.Fatalf("cut %d, which lost %s", i, c.lost)
		}
	}
	t.Logf("outcomes: %v", c.outcomes)
}

// TestPowerCutWhilePosting cuts the power while charges are frozen and sent. Each is at Stripe once afterwards, and
// what a run had reported needs no other request.
func TestPowerCutWhilePosting(t *testing.T) {
	s := newShop(t)
	c, cuts := newPowerCuts(t, s.program, 2)
	modes := []string{plan.ModeSubscription, plan.ModeInvoice, plan.ModeBillNow, plan.ModeDraft}
	w := s.w
	for i := range cuts {
		s.w = w
		s.owe(modes[i%4])
		s.want(t, exitOK, "aggregate", "--as-of", "2026-11-01")
		c.must(w.Close())
		c.killEngine(c.t)
		done := c.during(postArguments...)
		c.wantWhole()
		w = s.open(t, 0)
		before := s.posts()
		s.post()
		if made := s.posts() - before; done && made > 0 {
			t.Fatalf("cut %d, which lost %s: %d requests after all was done", i, c.lost, made)
		}
		s.wantAtStripe()
	}
	t.Logf("outcomes: %v", c.outcomes)
}
