package event

import (
	"slices"
	"strings"

	"github.com/creditmill/creditmill/ingest/columnar"
)

// IDRuns follows the event ids of a load in reading order as ascending runs. Logs are mostly written by counters or
// time-ordered ids, so a file is one run or a few; when the runs do not overlap, no id is repeated, and that is
// proved without asking the warehouse. Files with more than maxRuns runs are not followed further.
type IDRuns struct {
	runs      []idRun
	given     bool   // up: too many runs, only smallest and largest are right
	last      []byte // of the run under way
	Small     []byte
	Large     []byte
	hasValues bool
}

// idRun holds the smallest and the largest id of an ascending run.
type idRun struct{ first, last string }

const maxRuns = 1024

// observe takes the next id.
func (r *IDRuns) observe(id []byte) {
	if !r.hasValues {
		r.hasValues = true
		r.Small = append(r.Small[:0], id...)
		r.Large = append(r.Large[:0], id...)
		r.begin(id)
		return
	}
	if string(id) > string(r.last) {
		r.last = append(r.last[:0], id...)
		if string(id) > string(r.Large) {
			r.Large = append(r.Large[:0], id...)
		}
		return
	}
	if string(id) < string(r.Small) {
		r.Small = append(r.Small[:0], id...)
	}
	if !r.given {
		r.end()
		r.begin(id)
	}
	r.last = append(r.last[:0], id...)
}

// observeAll takes the next ids. Of those that ascend only the last is kept.
func (r *IDRuns) observeAll(ids *columnar.Texts, from, to int) {
	for from < to {
		id := ids.At(from)
		r.observe(id)
		last := id
		for from++; from < to; from++ {
			next := ids.At(from)
			if string(next) <= string(last) {
				break
			}
			last = next
		}
		if len(last) > 0 && &last[0] != &id[0] {
			r.observe(last)
		}
	}
}

func (r *IDRuns) begin(id []byte) {
	if len(r.runs) == maxRuns {
		r.given = true
		return
	}
	r.runs = append(r.runs, idRun{first: string(id)})
	r.last = append(r.last[:0], id...)
}

func (r *IDRuns) end() {
	if len(r.runs) > 0 {
		r.runs[len(r.runs)-1].last = string(r.last)
	}
}

// add joins the runs of the ids that follow.
func (r *IDRuns) add(next *IDRuns) {
	if !next.hasValues {
		return
	}
	next.end()
	if !r.hasValues {
		r.hasValues = true
		r.Small, r.Large = slices.Clone(next.Small), slices.Clone(next.Large)
		r.last = slices.Clone(next.last)
		r.runs, r.given = slices.Clone(next.runs), next.given
		return
	}
	if string(next.Small) < string(r.Small) {
		r.Small = slices.Clone(next.Small)
	}
	if string(next.Large) > string(r.Large) {
		r.Large = slices.Clone(next.Large)
	}
	r.given = r.given || next.given
	if r.given {
		return
	}
	r.end()
	runs := next.runs
	if string(r.last) < runs[0].first {
		r.runs[len(r.runs)-1].last = runs[0].last
		runs = runs[1:]
	}
	r.runs = append(r.runs, runs...)
	r.given = len(r.runs) > maxRuns
	r.last = append(r.last[:0], next.last...)
}

// Disjoint tells that no id was observed twice. False means that it is not known.
func (r *IDRuns) Disjoint() bool {
	if r.given {
		return false
	}
	r.end()
	sorted := slices.Clone(r.runs)
	slices.SortFunc(sorted, func(a, b idRun) int { return strings.Compare(a.first, b.first) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i-1].last >= sorted[i].first {
			return false
		}
	}
	return true
}
