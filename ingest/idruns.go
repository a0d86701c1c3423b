package ingest

import (
	"slices"
	"strings"
)

// idRuns follows the event ids of a load in reading order as ascending runs. Logs are mostly written by counters or
// time-ordered ids, so a file is one run or a few; when the runs do not overlap, no id is repeated, and that is
// proved without asking the warehouse. Files with more than maxRuns runs are not followed further.
type idRuns struct {
	runs      []idRun
	given     bool   // up: too many runs, only smallest and largest are right
	last      []byte // of the run under way
	small     []byte
	large     []byte
	hasValues bool
}

// idRun holds the smallest and the largest id of an ascending run.
type idRun struct{ first, last string }

const maxRuns = 1024

// observe takes the next id.
func (r *idRuns) observe(id []byte) {
	if !r.hasValues {
		r.hasValues = true
		r.small = append(r.small[:0], id...)
		r.large = append(r.large[:0], id...)
		r.begin(id)
		return
	}
	if string(id) > string(r.last) {
		r.last = append(r.last[:0], id...)
		if string(id) > string(r.large) {
			r.large = append(r.large[:0], id...)
		}
		return
	}
	if string(id) < string(r.small) {
		r.small = append(r.small[:0], id...)
	}
	if !r.given {
		r.end()
		r.begin(id)
	}
	r.last = append(r.last[:0], id...)
}

// observeAll takes the next ids. Of those that ascend only the last is kept.
func (r *idRuns) observeAll(ids *texts, from, to int) {
	for from < to {
		id := ids.at(from)
		r.observe(id)
		last := id
		for from++; from < to; from++ {
			next := ids.at(from)
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

func (r *idRuns) begin(id []byte) {
	if len(r.runs) == maxRuns {
		r.given = true
		return
	}
	r.runs = append(r.runs, idRun{first: string(id)})
	r.last = append(r.last[:0], id...)
}

func (r *idRuns) end() {
	if len(r.runs) > 0 {
		r.runs[len(r.runs)-1].last = string(r.last)
	}
}

// add joins the runs of the ids that follow.
func (r *idRuns) add(next *idRuns) {
	if !next.hasValues {
		return
	}
	next.end()
	if !r.hasValues {
		r.hasValues = true
		r.small, r.large = slices.Clone(next.small), slices.Clone(next.large)
		r.last = slices.Clone(next.last)
		r.runs, r.given = slices.Clone(next.runs), next.given
		return
	}
	if string(next.small) < string(r.small) {
		r.small = slices.Clone(next.small)
	}
	if string(next.large) > string(r.large) {
		r.large = slices.Clone(next.large)
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

// disjoint tells that no id was observed twice. False means that it is not known.
func (r *idRuns) disjoint() bool {
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
