{{- define "creditmill.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Cut so that a job's name and what Kubernetes adds to it fit behind. */}}
{{- define "creditmill.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "creditmill.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "creditmill.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "creditmill.selector" -}}
app.kubernetes.io/name: {{ include "creditmill.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "creditmill.labels" -}}
{{ include "creditmill.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "creditmill.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "creditmill.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "creditmill.configMap" -}}
{{- .Values.existingConfigMap | default (include "creditmill.fullname" .) }}
{{- end }}

{{- define "creditmill.claim" -}}
{{- .Values.persistence.existingClaim | default (include "creditmill.fullname" .) }}
{{- end }}

{{- define "creditmill.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}

{{/* What is missing or does not go together, all of it at once. */}}
{{- define "creditmill.checked" -}}
{{- $wrong := list }}
{{- $embedded := hasPrefix "embedded:" (toString .Values.config.warehouse) }}
{{- if not .Values.image.repository }}
{{- $wrong = append $wrong "image.repository: name the image that you brought to your registry" }}
{{- end }}
{{- if and .Values.existingConfigMap .Values.catalog }}
{{- $wrong = append $wrong "catalog: existingConfigMap has it; give one of both" }}
{{- else if not (or .Values.existingConfigMap .Values.catalog) }}
{{- $wrong = append $wrong "catalog: give the price book by --set-file catalog=catalog.yaml, or existingConfigMap" }}
{{- end }}
{{- if and $embedded (not .Values.existingConfigMap) (not (hasPrefix "embedded:/var/lib/creditmill/" .Values.config.warehouse)) }}
{{- $wrong = append $wrong "config.warehouse: only what is below /var/lib/creditmill/ is kept" }}
{{- end }}
{{- if and (not .Values.persistence.enabled) (or $embedded (eq .Values.mode "serve")) }}
{{- $wrong = append $wrong "persistence.enabled: the embedded warehouse, and the rows that serve has accepted, need a volume" }}
{{- end }}
{{- $wrong = concat $wrong (include "creditmill.wrongInbox" . | fromYamlArray) }}
{{- if dig "notify" "url" "" .Values.config }}
{{- $wrong = append $wrong "config.notify.url: it is a secret, and a ConfigMap is none; put it into the Secret, under the key secret.notifyUrl" }}
{{- end }}
{{- $sql := include "creditmill.sqlPorts" . | fromYaml }}
{{- if $sql }}
{{- if not .Values.serve.tlsSecret }}
{{- $wrong = append $wrong "config.serve.sql: analysts' passwords would pass in the clear; it needs serve.tlsSecret, not trustedProxies" }}
{{- end }}
{{- if not $embedded }}
{{- $wrong = append $wrong "config.serve.sql: a server lets analysts in by itself; give them its address" }}
{{- end }}
{{- if ne 3 (len (uniq (append (values $sql) (int .Values.serve.port | toString)))) }}
{{- $wrong = append $wrong "config.serve.sql: serve.port, sql_native_port and sql_http_port have to differ" }}
{{- end }}
{{- end }}
{{- if eq .Values.mode "serve" }}
{{- if and .Values.serve.tlsSecret .Values.serve.trustedProxies }}
{{- $wrong = append $wrong "serve: give tlsSecret or trustedProxies, not both" }}
{{- else if not (or .Values.serve.tlsSecret .Values.serve.trustedProxies) }}
{{- $wrong = append $wrong "serve: tokens would pass in the clear; give tlsSecret, or trustedProxies with the networks of proxies that end TLS" }}
{{- end }}
{{- else if .Values.serviceMonitor.enabled }}
{{- $wrong = append $wrong "serviceMonitor.enabled: only mode serve answers at /metrics" }}
{{- end }}
{{- with $wrong }}
{{- fail (printf "\n  %s" (join "\n  " .)) }}
{{- end }}
{{- end }}

{{/* The ports, by name, at which serve lets analysts in beside the API, if it does. */}}
{{- define "creditmill.sqlPorts" -}}
{{- if and (eq .Values.mode "serve") (eq (dig "serve" "sql" false .Values.config | toString) "true") }}
sql-native: {{ dig "serve" "sql_native_port" 9440 .Values.config | int | quote }}
sql-http: {{ dig "serve" "sql_http_port" 8443 .Values.config | int | quote }}
{{- end }}
{{- end }}

{{/* What is wrong with the inbox, as a list in YAML. A ConfigMap of one's own is not looked into. */}}
{{- define "creditmill.wrongInbox" -}}
{{- $wrong := list }}
{{- $inbox := get .Values.config "inbox" | toString }}
{{- $mount := "/var/lib/creditmill/inbox" }}
{{- if not .Values.existingConfigMap }}
{{- if not (or (not $inbox) (hasPrefix "s3://" $inbox) (hasPrefix "/var/lib/creditmill/" (clean $inbox))) }}
{{- $wrong = append $wrong "config.inbox: give s3://bucket/prefix/, or a folder below /var/lib/creditmill/: others are not in the pod" }}
{{- end }}
{{- if and .Values.inbox.existingClaim (not (hasPrefix (print $mount "/") (print (clean $inbox) "/"))) }}
{{- $wrong = append $wrong (printf "inbox.existingClaim: it is mounted at %s; give that as config.inbox" $mount) }}
{{- end }}
{{- end }}
{{- if and (eq .Values.mode "batch") (get .Values.batch.jobs "load") (not (or $inbox .Values.existingConfigMap)) }}
{{- $wrong = append $wrong "batch.jobs.load: there is nothing to load without config.inbox" }}
{{- end }}
{{- toYaml $wrong }}
{{- end }}

{{/* When the job load starts: each hour where there is an inbox, unless batch.jobs.load says otherwise. */}}
{{- define "creditmill.loadSchedule" -}}
{{- if hasKey .Values.batch.jobs "load" }}
{{- .Values.batch.jobs.load }}
{{- else if or (get .Values.config "inbox") .Values.inbox.existingClaim }}
{{- "5 * * * *" }}
{{- end }}
{{- end }}

{{/* The pod of a Deployment or a Job: of (dict "root" $ "component" … "args" (list …) "restart" … "more" YAML of the container). */}}
{{- define "creditmill.pod" -}}
{{- $v := .root.Values -}}
metadata:
  labels:
    {{- include "creditmill.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
    {{- with $v.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $annotations := deepCopy $v.podAnnotations }}
  {{- if not $v.existingConfigMap }}
  {{- $annotations = set $annotations "checksum/config" (list $v.config $v.catalog | toJson | sha256sum) }}
  {{- end }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "creditmill.serviceAccount" .root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  restartPolicy: {{ .restart }}
  terminationGracePeriodSeconds: {{ $v.terminationGracePeriodSeconds }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with $v.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if $v.migrate }}
  initContainers:
    - name: migrate
      args: [migrate]
      {{- include "creditmill.container" .root | nindent 6 }}
  {{- end }}
  containers:
    - name: creditmill
      args:
        {{- toYaml .args | nindent 8 }}
      {{- include "creditmill.container" .root | nindent 6 }}
      {{- with .more }}
      {{- . | nindent 6 }}
      {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ include "creditmill.configMap" .root }}}
    - name: tmp
      emptyDir: {}
    - name: data
      {{- if $v.persistence.enabled }}
      persistentVolumeClaim: {claimName: {{ include "creditmill.claim" .root }}}
      {{- else }}
      emptyDir: {}
      {{- end }}
    {{- with $v.inbox.existingClaim }}
    - name: inbox
      persistentVolumeClaim: {claimName: {{ . }}}
    {{- end }}
    {{- if and (eq $v.mode "serve") $v.serve.tlsSecret }}
    - name: tls
      secret: {secretName: {{ $v.serve.tlsSecret }}, defaultMode: 0440}
    {{- end }}
  {{- with $v.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* What every container has. */}}
{{- define "creditmill.container" -}}
image: {{ include "creditmill.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
env:
  - {name: CREDITMILL_CONFIG, value: /etc/creditmill/creditmill.yaml}
  {{- with .Values.goMemLimit }}
  - {name: GOMEMLIMIT, value: {{ . | quote }}}
  {{- end }}
  {{- if .Values.secret.name }}
  {{- range $variable, $key := dict "CREDITMILL_STRIPE_KEY" .Values.secret.stripeKey "CREDITMILL_STRIPE_WEBHOOK_SECRET" .Values.secret.webhookSecret "CREDITMILL_CLICKHOUSE_PASSWORD" .Values.secret.clickhousePassword "CREDITMILL_NOTIFY_URL" .Values.secret.notifyUrl }}
  - name: {{ $variable }}
    valueFrom:
      secretKeyRef: {name: {{ $.Values.secret.name }}, key: {{ $key }}, optional: true}
  {{- end }}
  {{- end }}
  {{- with .Values.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  - {name: config, mountPath: /etc/creditmill, readOnly: true}
  - {name: data, mountPath: /var/lib/creditmill}
  - {name: tmp, mountPath: /tmp}
  {{- if .Values.inbox.existingClaim }}
  - {name: inbox, mountPath: /var/lib/creditmill/inbox}
  {{- end }}
  {{- if and (eq .Values.mode "serve") .Values.serve.tlsSecret }}
  - {name: tls, mountPath: /etc/creditmill-tls, readOnly: true}
  {{- end }}
{{- end }}
