package usagetest

// Seed is the catalog of the seed scenario.
const Seed = `
currency: usd
timezone: UTC
features:
  - {id: small-model-tokens, models: [small-model]}
  - {id: medium-model-tokens, models: [medium-model]}
  - {id: large-model-tokens, models: [large-model, "large-model-*"]}
credit_systems:
  - id: ai-credits
    name: AI credits
    costs:
      - effective: 2026-01-01
        per_token: {small-model-tokens: 0.1, medium-model-tokens: 1, large-model-tokens: 5}
products:
  - id: free
    name: Free
    default: true
    credits: {system: ai-credits, included: 500, every: month}
  - id: pro
    name: Pro
    price: {amount: "100.00", every: month, stripe_price: price_pro}
    credits: {system: ai-credits, included: 10000, every: month, overage: {per_credit: "0.01", billing_units: 1}}
`

// OracleCatalog has prices that change within days, an allowance in hours and one in months, and all that makes usage
// unrated: a model without a feature, a time before the first price, a feature and pools without a price.
const OracleCatalog = `
currency: usd
timezone: %s
features:
  - {id: plain, models: [plain, "plain-*"]}
  - {id: pooled, models: [pooled]}
  - {id: late, models: [late]}
  - {id: tiered, models: [tiered]}
  - {id: images}
credit_systems:
  - id: credits
    name: Credits
    costs:
      - effective: 2026-10-02T10:30:00Z
        per_token: {plain: 0.1, pooled: {input: 0.000000000000000001, output: 3}}
        per_unit: {plain: {searches: 1.5, requests: 0.25}, images: 40}
      - effective: 2026-10-09
        per_token:
          plain: 0.1
          pooled: {input: 0.000000000000000001, output: 3}
          tiered:
            input: 2
            cached_input: 0.25
            output: 8.5
            when:
              - {tier: [batch, flex], input: 1, output: 4}
              - {tier: batch, context_over: 900, output: 5, input_audio: 17}
              - {context_over: 1000, input: 4, cached_input: 0.5}
              - {geo: [us, null], times: 1.1}
              - {between: ["22:30", "06:00"], timezone: Asia/Kathmandu, times: 0.75}
        per_unit: {plain: {searches: 1.5, requests: 0.25}, images: {quantity: 40, when: [{tier: flex, quantity: 30.5}]}}
      - effective: 2026-10-31T23:59:59.5Z
        per_token:
          plain: 0.123456789012345678
          pooled: 2
          late: 7
          tiered: {input: 3, output: 9, cache_write: 1,
            when: [{context_over: 1500, input: 5}, {context_over: 700, input: 4}]}
        per_unit: {plain: {searches: 2.000000001}, images: {quantity: 41, pages: 1}}
      - effective: 2026-11-01T12:00:00Z
        per_token:
          plain: 1
          pooled: {input: 0, cached_input: 0.5, output: 3}
          late: 1000000
          tiered: {input: 1, output: 2, when: [{between: ["02:00", "03:00"], times: 3}, {geo: eu, cached_input: 1}]}
        per_unit:
          images: {quantity: 4, requests: 3}
          late: {pages: 3}
          tiered: {requests: 2, searches: 1,
            when: [{tier: batch, requests: 1, searches: 0}, {context_over: 1, searches: 4}]}
products:
  - id: free
    name: Free
    default: true
    credits: {system: credits, included: 500, every: %s, rollover: {max: 700.5, periods: 3}}
  - id: pro
    name: Pro
    versions:
      - effective: 2026-01-01
        price: {amount: "100.00", every: month}
        credits: {system: credits, included: 10000, every: month, overage: {per_credit: "0.01"},
          rollover: {max: 100000, periods: 1}}
      - effective: 2026-10-26
        price: {amount: "120.00", every: month}
        credits: {system: credits, included: 12000, every: month, overage: {per_credit: "0.01"}}
  - id: capped
    name: Capped
    price: {amount: "50.00", every: month}
    credits: {system: credits, included: 1000.5, every: week, overage: {per_credit: "0.01", limit: 20},
      rollover: {max: 1500, periods: 2}}
overrides:
  - {customer: b, effective: 2026-10-10T09:30:00Z, product: pro, included: 40.5, limit: 900}
  - {customer: b, effective: 2026-10-25T01:00:00Z, product: capped, included: 0, limit: 10}
  - customer: c
    effective: 2026-10-25T01:00:00Z
    until: 2026-11-01T06:30:00Z
    costs:
      system: credits
      per_token:
        plain: 0.3
        pooled: {output: 1.5, cache_write: 2}
        tiered: {output: 7, when: [{context_over: 1200, tier: [batch, null], input: 6}, {geo: us, times: 0.5}]}
      per_unit: {plain: {searches: 9}}
  - customer: "it's \\ odd"
    effective: 2026-11-01T04:00:00Z
    costs: {system: credits, per_token: {late: {input: 3}}}
`
