package post

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/creditmill/creditmill/invoice/plan"
	"github.com/creditmill/creditmill/invoice/stripefake"
)

// several are charges of one customer.
func (b *bench) several(count int) []plan.FrozenCharge {
	var charges []plan.FrozenCharge
	for n := range count {
		charge := b.charge(plan.ModeSubscription, int64(1000+n))
		charge.ID = fmt.Sprint("oc_several_", n)
		charges = append(charges, b.frozen(charge))
	}
	return charges
}

// lists counts the lists of a customer's items.
func (b *bench) lists() int {
	count := 0
	for _, request := range b.Fake.Requests() {
		if request.Method == http.MethodGet && request.Path == "/v1/invoiceitems" &&
			strings.Contains(request.Query, "customer=") {
			count++
		}
	}
	return count
}

// TestOneListForACustomer: all charges of a customer share the list before they are sent, and the one afterwards.
func TestOneListForACustomer(t *testing.T) {
	b := newBench(t)
	for _, report := range b.post("run_1", b.several(20)...) {
		if report.Status != plan.StatusPosted {
			t.Fatalf("%+v", report)
		}
	}
	if lists := b.lists(); lists != 2 {
		t.Fatalf("%d lists, want 2", lists)
	}
	if reads := b.reads("/v1/customers/cus_1"); reads != 1 {
		t.Fatalf("the customer was read %d times", reads)
	}
}

func (b *bench) reads(path string) int {
	count := 0
	for _, request := range b.Fake.Requests() {
		if request.Method == http.MethodGet && request.Path == path {
			count++
		}
	}
	return count
}

// TestSharedListGrowsOld: a list of other charges is taken for a minute, and the guard counts from it: a run that is
// suspended on its way from there looks again and posts once.
func TestSharedListGrowsOld(t *testing.T) {
	for _, test := range []struct {
		name         string
		between, hit time.Duration // after the first charge; at S7 of the second
		lists        int
	}{
		{"soon", 0, 0, 2},
		{"within a minute", 50 * time.Second, 0, 2},
		{"after a minute", 61 * time.Second, 0, 3},
		{"suspended on the way", 50 * time.Second, 71 * time.Second, 3},
		{"suspended for a day", 50 * time.Second, 24 * time.Hour, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			p := b.poster("run_1")
			charge, seconds := 0, 0
			p.at = func(step string) {
				switch step {
				case "S2":
					charge++
					if charge == 2 {
						b.Clock.Advance(test.between)
					}
				case "S7":
					if charge == 2 {
						seconds++
						if seconds == 1 {
							b.Clock.Advance(test.hit)
						}
					}
				}
			}
			charges := b.several(2)
			reports, err := p.Post(context.Background(), charges, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, report := range reports {
				if report.Status != plan.StatusPosted || len(b.Items(charges[i].ID)) != 1 {
					t.Fatalf("%+v, %d items", report, len(b.Items(charges[i].ID)))
				}
			}
			if lists := b.lists(); lists != test.lists {
				t.Fatalf("%d lists, want %d", lists, test.lists)
			}
		})
	}
}

// TestRetryLooksAnew: after an answer that was lost no shared look is taken, since the item may be there by now.
func TestRetryLooksAnew(t *testing.T) {
	b := newBench(t)
	charges := b.several(3)
	b.Fake.Inject(stripefake.Fault{Kind: stripefake.DropAfter, Method: http.MethodPost})
	for i, report := range b.post("run_1", charges...) {
		if report.Status != plan.StatusPosted || len(b.Items(charges[i].ID)) != 1 {
			t.Fatalf("%+v", report)
		}
	}
	if lists := b.lists(); lists != 3 {
		t.Fatalf("%d lists, want 3: before, after the lost answer, and in the end", lists)
	}
}

// TestVerifyTogether: of many customers one list tells whether each charge is at Stripe once, as it was frozen, and
// where the account holds far more than that, each customer's own list does.
func TestVerifyTogether(t *testing.T) {
	for _, others := range []int{0, 2000} {
		b := newBench(t)
		b.ByHand(others, "")
		var charges []plan.FrozenCharge
		for n := range 2 * manyCustomers {
			charge := b.charge(plan.ModeSubscription, 10000)
			charge.ID, charge.StripeCustomer = fmt.Sprint("oc_many_", n), fmt.Sprint("cus_many_", n)
			b.Fake.AddCustomer(charge.StripeCustomer)
			charge.Target = b.Fake.AddSubscription(charge.StripeCustomer, "price_pro", b.Clock.Now().Add(-24*time.Hour))
			charges = append(charges, b.frozen(charge))
		}
		p, sent := b.poster("run_1"), 0
		p.at = func(step string) {
			if step != "S10" {
				return
			}
			sent++
			if sent == 20 { // somebody repeats one charge, and deletes the item of another
				b.Request("POST", "/v1/invoiceitems", "customer=cus_many_3&currency=usd&amount=10000&metadata[charge_id]=oc_many_3")
				b.Request("DELETE", "/v1/invoiceitems/"+b.Items("oc_many_5")[0].ID, "")
			}
		}
		before := b.lists()
		reports, err := p.Post(context.Background(), charges, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, report := range reports {
			want := plan.StatusPosted
			if i == 3 || i == 5 {
				want = plan.StatusOpen
			}
			if report.Status != want {
				t.Errorf("%d others: %+v, want %s", others, report, want)
			}
		}
		want := len(charges)
		if others > 0 {
			want *= 2
		}
		if lists := b.lists() - before; lists != want {
			t.Errorf("%d others: %d lists of customers, want %d", others, lists, want)
		}
	}
}
