package stripefake

import "strings"

// listed is an object that can stand in a list.
type listed interface {
	identity() (id string, created int64)
}

// page is Stripe's list object.
type page struct {
	Object  string `json:"object"`
	URL     string `json:"url"`
	HasMore bool   `json:"has_more"`
	Data    any    `json:"data"`
}

const listParams = " limit starting_after ending_before created"

// list answers a list request: the objects that keep says, newest first, one page of them.
func list[T listed](in incoming, kind string, objects []T, keep func(T) bool) answer {
	from, until, refused := createdRange(in.params)
	if refused != nil {
		return *refused
	}
	limit, refused := in.params.integer("limit")
	if refused != nil {
		return *refused
	}
	if limit == 0 {
		limit = 10
	}
	if limit < 1 || limit > 100 {
		return invalidParam("limit", "This value must be between 1 and 100 (inclusive).")
	}
	matching := []T{}
	for i := len(objects) - 1; i >= 0; i-- {
		if _, created := objects[i].identity(); created >= from && created <= until && keep(objects[i]) {
			matching = append(matching, objects[i])
		}
	}
	if cursor := in.params.get("starting_after"); cursor != "" {
		at := position(matching, cursor)
		if at < 0 {
			return missingObject(kind, cursor, "starting_after")
		}
		matching = matching[at+1:]
	}
	if cursor := in.params.get("ending_before"); cursor != "" {
		at := position(matching, cursor)
		if at < 0 {
			return missingObject(kind, cursor, "ending_before")
		}
		matching = matching[max(0, at-int(limit)):at]
	}
	hasMore := int64(len(matching)) > limit
	if hasMore {
		matching = matching[:limit]
	}
	return ok(page{Object: "list", URL: in.path, HasMore: hasMore, Data: matching})
}

func position[T listed](objects []T, id string) int {
	for i, object := range objects {
		if own, _ := object.identity(); own == id {
			return i
		}
	}
	return -1
}

const forever = int64(1) << 62

// createdRange reads created=T or created[gt|gte|lt|lte]=T as an inclusive range.
func createdRange(params form) (from, until int64, refused *answer) {
	until = forever
	for name := range params {
		if !strings.HasPrefix(name, "created") {
			continue
		}
		at, refused := params.integer(name)
		if refused != nil {
			return 0, 0, refused
		}
		switch name {
		case "created":
			from, until = max(from, at), min(until, at)
		case "created[gte]":
			from = max(from, at)
		case "created[gt]":
			from = max(from, at+1)
		case "created[lte]":
			until = min(until, at)
		case "created[lt]":
			until = min(until, at-1)
		default:
			out := unknownParam(name)
			return 0, 0, &out
		}
	}
	return from, until, nil
}

// find returns the object of an id, or nil.
func find[T listed](objects []T, id string) (found T) {
	for _, object := range objects {
		if own, _ := object.identity(); own == id {
			return object
		}
	}
	return found
}
