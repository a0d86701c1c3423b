// Prints what genai-prices makes of its own data: the data as JSON, as its file has it, and what it charges for each
// model and each sample of usage that stands on stdin. The package has its data in its code alone.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import vm from 'node:vm'

const code = process.argv[2]
const text = readFileSync(code, 'utf8')
const providers = vm.runInNewContext('(' + text.slice(text.indexOf('['), text.indexOf('\n], ') + 2) + ')')
const { calcPrice } = await import(pathToFileURL(code))
const samples = JSON.parse(readFileSync(0, 'utf8'))

const costs = {}
for (const provider of providers) {
  for (const model of provider.models) {
    const alone = { ...provider, models: [{ ...model, match: { equals: model.id } }] }
    costs[provider.id + ' ' + model.id] = samples.map(({ at, usage }) =>
      calcPrice(usage, model.id, { provider: alone, timestamp: new Date(at) }).total_price)
  }
}
process.stdout.write(JSON.stringify({ providers, costs }))
