// The pages of docs/ as a site, with a search that needs no server. `make docs` builds it into bin/site; a link to a page
// that is not there fails the build.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'

const root = fileURLToPath(new URL('../../..', import.meta.url))

const page = (text, name) => ({ text, link: `/docs/${name}` })

export default defineConfig({
  title: 'creditmill',
  description: 'Usage billing for AI products: from log files to Stripe, exactly once',
  lang: 'en',
  srcDir: '../..',
  outDir: '../../bin/site',
  srcExclude: ['docs/site/**', '.github/**', 'bin/**', 'testdata/**', '**/node_modules/**'],
  rewrites: { 'README.md': 'index.md' },
  // Links to folders of the sources are for who reads them there.
  ignoreDeadLinks: [(link) => ['.', 'docs', 'invoice'].some((from) => isFolder(join(root, from, link)))],
  // The pages are not below the folder that has the packages.
  vite: { resolve: { alias: [{ find: /^vue(?=$|\/)/, replacement: join(root, 'docs/site/node_modules/vue') }] } },
  markdown: { html: false, anchor: { slugify }, config: boxIndented },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Install', link: '/docs/install' },
      { text: 'Operate', link: '/docs/operate' },
      { text: 'Changelog', link: '/CHANGELOG' }
    ],
    sidebar: [
      {
        text: 'Begin',
        items: [
          { text: 'What it is', link: '/' },
          page('Install', 'install'),
          page('Month end, for finance', 'finance')
        ]
      },
      {
        text: 'Load and price',
        items: [
          page('Sources', 'sources'),
          page('File formats', 'formats'),
          page('Object storage', 'objects'),
          page('The catalog', 'catalog'),
          page('Import prices', 'import'),
          page('Periods', 'periods')
        ]
      },
      {
        text: 'Bill',
        items: [
          page('Exports', 'export'),
          page("The provider's bill", 'costs'),
          page('Verify', 'verify')
        ]
      },
      {
        text: 'Run',
        items: [
          page('Operate', 'operate'),
          page('Kubernetes', 'kubernetes'),
          page('Upgrade', 'upgrade'),
          page('Scale', 'scale'),
          page('The warehouse', 'warehouse'),
          page('HTTP API', 'api'),
          page('Web app', 'web'),
          page('Analytics', 'analytics')
        ]
      },
      {
        text: 'Reference',
        items: [page('Commands', 'commands'), page('Settings', 'settings'), page('Views', 'views')]
      },
      {
        text: 'Explanation',
        items: [
          { text: 'Posting exactly once', link: '/invoice/DESIGN' },
          { text: 'Loading', link: '/ingest/DESIGN' },
          { text: 'The warehouse', link: '/warehouse/DESIGN' },
          page('Benchmarks', 'benchmarks'),
          page('Dependencies', 'dependencies'),
          page('What is not there yet', 'roadmap')
        ]
      }
    ]
  }
})

// boxIndented shows indented blocks as fenced ones, which scroll by themselves.
function boxIndented(md) {
  md.renderer.rules.code_block = (tokens, i, options, env, self) => {
    tokens[i].info = 'text'
    return md.renderer.rules.fence(tokens, i, options, env, self)
  }
}

function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

// slugify makes the anchors that the pages link to: those of the place where the sources are read.
function slugify(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}\s_-]/gu, '')
    .replace(/\s/g, '-')
}
