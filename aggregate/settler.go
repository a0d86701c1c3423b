package aggregate

import "context"

// settledAtOnce is how many customers one goroutine settles at a time.
const settledAtOnce = 200

// settler settles customers side by side: they do not depend on each other.
type settler struct {
	from    rating
	layout  timelines
	idle    []string // customers that may be without usage and are still to come
	next    *settlement
	inOrder chan<- *settlement
}

// settlement is some customers on their way to being settled; done is closed when they are.
type settlement struct {
	customers []string
	spend     [][]sliceSpend
	done      chan struct{}
	result    replayed
}

// add takes the next customer with usage, and before it those without.
func (s *settler) add(ctx context.Context, customer string, spend []sliceSpend) error {
	for ; len(s.idle) > 0 && s.idle[0] < customer; s.idle = s.idle[1:] {
		if err := s.put(ctx, s.idle[0], nil); err != nil {
			return err
		}
	}
	if len(s.idle) > 0 && s.idle[0] == customer {
		s.idle = s.idle[1:]
	}
	return s.put(ctx, customer, spend)
}

// finish takes what is left of the customers without usage.
func (s *settler) finish(ctx context.Context) error {
	for _, customer := range s.idle {
		if err := s.put(ctx, customer, nil); err != nil {
			return err
		}
	}
	return s.settle(ctx)
}

func (s *settler) put(ctx context.Context, customer string, spend []sliceSpend) error {
	if s.next == nil {
		s.next = &settlement{
			customers: make([]string, 0, settledAtOnce), spend: make([][]sliceSpend, 0, settledAtOnce),
			done: make(chan struct{}),
		}
	}
	s.next.customers, s.next.spend = append(s.next.customers, customer), append(s.next.spend, spend)
	if len(s.next.customers) < settledAtOnce {
		return nil
	}
	return s.settle(ctx)
}

// settle begins to settle the customers put so far. It waits while too many others are under way.
func (s *settler) settle(ctx context.Context) error {
	some := s.next
	if some == nil {
		return nil
	}
	s.next = nil
	select {
	case s.inOrder <- some:
	case <-ctx.Done():
		return ctx.Err()
	}
	go func() {
		defer close(some.done)
		some.result = s.layout.settle(some.customers, some.spend, s.from)
	}()
	return nil
}

// settle settles the periods of the customers.
func (t timelines) settle(customers []string, spend [][]sliceSpend, from rating) replayed {
	periods := len(customers) // the one that goes on
	for _, own := range spend {
		for i, row := range own {
			if i == 0 || from.slices[row.Slice].span != from.slices[own[i-1].Slice].span {
				periods++
			}
		}
	}
	result := replayed{balances: make([]PeriodBalance, 0, periods), customers: len(customers)}
	for i, customer := range customers {
		if reason := t.broken[customer]; reason != "" {
			result.problems = append(result.problems, Problem{CustomerID: customer, Reason: reason})
			continue
		}
		account, begin := t.account(customer, from.query.AsOf), t.begin(customer, spend[i], from)
		result.add(account, t.of(customer), begin, from, spend[i])
	}
	return result
}
