package stripefake

import (
	"net/http"
	"strconv"
)

// Customer is Stripe's customer.
type Customer struct {
	ID          string            `json:"id"`
	Object      string            `json:"object"`
	Created     int64             `json:"created"`
	Livemode    bool              `json:"livemode"`
	Name        *string           `json:"name"`
	Email       *string           `json:"email"`
	Description *string           `json:"description"`
	Currency    *string           `json:"currency"`
	Balance     int64             `json:"balance"`
	Delinquent  bool              `json:"delinquent"`
	Metadata    map[string]string `json:"metadata"`
	Deleted     bool              `json:"deleted,omitempty"`
}

func (c *Customer) identity() (string, int64) { return c.ID, c.Created }

func (s *Server) serveCustomers(in incoming, id, verb string) answer {
	customer := find(s.state.Customers, id)
	operation := route(in, id, verb)
	if customer == nil && operation != "create" && operation != "list" {
		return missingObject("customer", id, "id")
	}
	switch operation {
	case "create":
		metadata, refusedMetadata := in.params.metadata("metadata")
		refusal := firstRefusal(allow(in, "name email description metadata balance id"), refusedMetadata)
		if refusal != nil {
			return *refusal
		}
		return ok(s.addCustomer(in.params.get("id"), in.params.get("email"), in.params.get("name"), metadata))
	case "list":
		if refusal := allow(in, "email"+listParams); refusal != nil {
			return *refusal
		}
		email := in.params.get("email")
		return list(in, "customer", s.state.Customers, func(c *Customer) bool {
			return !c.Deleted && (email == "" || text(c.Email) == email)
		})
	case "get":
		if customer.Deleted {
			return ok(deletedObject{ID: customer.ID, Object: "customer", Deleted: true})
		}
		return ok(customer)
	case "delete":
		customer.Deleted = true
		for _, subscription := range s.state.Subscriptions {
			if subscription.Customer == customer.ID {
				s.cancel(subscription)
			}
		}
		return ok(deletedObject{ID: customer.ID, Object: "customer", Deleted: true})
	}
	return s.noRoute(in)
}

func (s *Server) addCustomer(id, email, name string, metadata map[string]string) *Customer {
	if id == "" {
		id = s.id("cus")
	}
	if existing := find(s.state.Customers, id); existing != nil {
		return existing
	}
	customer := &Customer{
		ID: id, Object: "customer", Created: s.unix(),
		Email: optional(email), Name: optional(name), Metadata: metadata,
	}
	if customer.Metadata == nil {
		customer.Metadata = map[string]string{}
	}
	s.state.Customers = append(s.state.Customers, customer)
	return customer
}

// customerOf returns the customer a parameter names, or the refusal.
func (s *Server) customerOf(in incoming) (*Customer, *answer) {
	id := in.params.get("customer")
	if id == "" {
		out := missingParam("customer")
		return nil, &out
	}
	customer := find(s.state.Customers, id)
	if customer == nil || customer.Deleted {
		out := missingObject("customer", id, "customer")
		return nil, &out
	}
	return customer, nil
}

// Product is Stripe's product.
type Product struct {
	ID       string            `json:"id"`
	Object   string            `json:"object"`
	Created  int64             `json:"created"`
	Livemode bool              `json:"livemode"`
	Active   bool              `json:"active"`
	Name     string            `json:"name"`
	Metadata map[string]string `json:"metadata"`
}

func (p *Product) identity() (string, int64) { return p.ID, p.Created }

func (s *Server) serveProducts(in incoming, id, verb string) answer {
	switch route(in, id, verb) {
	case "create":
		metadata, refusedMetadata := in.params.metadata("metadata")
		if refusal := firstRefusal(allow(in, "id name metadata active"), refusedMetadata); refusal != nil {
			return *refusal
		}
		product := &Product{
			ID: in.params.get("id"), Object: "product", Created: s.unix(), Active: true,
			Name: in.params.get("name"), Metadata: metadata,
		}
		if product.ID == "" {
			product.ID = s.id("prod")
		}
		s.state.Products = append(s.state.Products, product)
		return ok(product)
	case "get":
		if product := find(s.state.Products, id); product != nil {
			return ok(product)
		}
		return missingObject("product", id, "id")
	case "list":
		return list(in, "product", s.state.Products, func(*Product) bool { return true })
	}
	return s.noRoute(in)
}

// Price is Stripe's price. As a convenience of the fake, POST /v1/prices takes an id.
type Price struct {
	ID         string            `json:"id"`
	Object     string            `json:"object"`
	Created    int64             `json:"created"`
	Livemode   bool              `json:"livemode"`
	Active     bool              `json:"active"`
	Currency   string            `json:"currency"`
	Product    string            `json:"product"`
	Type       string            `json:"type"`
	UnitAmount int64             `json:"unit_amount"`
	Recurring  *Recurring        `json:"recurring"`
	Metadata   map[string]string `json:"metadata"`
}

// Recurring is how often a price is due.
type Recurring struct {
	Interval      string `json:"interval"`
	IntervalCount int    `json:"interval_count"`
	UsageType     string `json:"usage_type"`
}

func (p *Price) identity() (string, int64) { return p.ID, p.Created }

func (s *Server) servePrices(in incoming, id, verb string) answer {
	switch route(in, id, verb) {
	case "create":
		amount, refusedAmount := in.params.integer("unit_amount")
		const names = "id currency product unit_amount recurring metadata product_data active"
		if refusal := firstRefusal(allow(in, names), refusedAmount); refusal != nil {
			return *refusal
		}
		return ok(s.addPrice(in.params.get("id"), in.params.get("currency"), in.params.get("product"),
			in.params.get("recurring[interval]"), in.params.get("recurring[interval_count]"), amount))
	case "get":
		if price := find(s.state.Prices, id); price != nil {
			return ok(price)
		}
		return missingObject("price", id, "id")
	case "list":
		return list(in, "price", s.state.Prices, func(*Price) bool { return true })
	}
	return s.noRoute(in)
}

func (s *Server) addPrice(id, currency, product, interval, count string, amount int64) *Price {
	if id == "" {
		id = s.id("price")
	}
	if existing := find(s.state.Prices, id); existing != nil {
		return existing
	}
	price := &Price{
		ID: id, Object: "price", Created: s.unix(), Active: true, Currency: currency, Product: product,
		Type: "one_time", UnitAmount: amount, Metadata: map[string]string{},
	}
	if interval != "" {
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 {
			n = 1
		}
		price.Type, price.Recurring = "recurring", &Recurring{Interval: interval, IntervalCount: n, UsageType: "licensed"}
	}
	s.state.Prices = append(s.state.Prices, price)
	return price
}

// priceOf returns the price a parameter names, or the refusal.
func (s *Server) priceOf(in incoming, param string) (*Price, *answer) {
	price := find(s.state.Prices, in.params.get(param))
	if price == nil {
		out := fail(http.StatusBadRequest, "resource_missing", "No such price: '"+in.params.get(param)+"'", param)
		return nil, &out
	}
	return price, nil
}
