{{- define "duban.name" -}}
{{- if contains "duban" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{ else }}{{ printf "%s-duban" (.Release.Name | trunc 34 | trimSuffix "-") }}{{ end }}
{{- end }}

{{- define "duban.selector" -}}
app.kubernetes.io/name: duban
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "duban.labels" -}}
{{ include "duban.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "duban.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}{{ else }}{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "duban.fromSecret" -}}
valueFrom: {secretKeyRef: {name: {{ .name }}, key: {{ .key }}}}
{{- end }}

{{- /* Settings of every part. Secrets by reference only. */ -}}
{{- define "duban.env" -}}
{{- $values := .root.Values -}}
{{- $engine := $values.engine -}}
- name: DUBAN_DATABASE_URL
  {{ include "duban.fromSecret" (dict "name" (required "database.existingSecret: the Secret with the URL of the store" $values.database.existingSecret) "key" $values.database.key) }}
- name: DUBAN_EVIDENCE__FOLDER
  value: /evidence
- name: DUBAN_STAFF_FILE
  value: /staff/{{ $values.staff.key }}
- name: DUBAN_ENGINE__ADDRESS
  value: {{ required "engine.address: host:port of the engine's gateway" $engine.address | quote }}
- name: DUBAN_ENGINE__REST_URL
  value: {{ required "engine.restUrl: base URL of the engine's REST API" $engine.restUrl | quote }}
- name: DUBAN_ENGINE__GRACE_SECONDS
  value: {{ $values.workers.graceSeconds | quote }}
{{- if $engine.tls }}
- name: DUBAN_ENGINE__TLS
  value: "true"
{{- end }}
{{- if $engine.caSecret }}
- name: DUBAN_ENGINE__CA_FILE
  value: /engine-ca/ca.crt
{{- end }}
{{- if $engine.clientCertificateSecret }}
- name: DUBAN_ENGINE__CERT_FILE
  value: /engine-client/tls.crt
- name: DUBAN_ENGINE__KEY_FILE
  value: /engine-client/tls.key
{{- end }}
{{- with $engine.oauth }}
{{- if .url }}
- name: DUBAN_ENGINE__OAUTH_URL
  value: {{ .url | quote }}
- name: DUBAN_ENGINE__OAUTH_CLIENT_ID
  {{ include "duban.fromSecret" (dict "name" (required "engine.oauth.existingSecret" .existingSecret) "key" "client-id") }}
- name: DUBAN_ENGINE__OAUTH_CLIENT_SECRET
  {{ include "duban.fromSecret" (dict "name" .existingSecret "key" "client-secret") }}
{{- if .audience }}
- name: DUBAN_ENGINE__OAUTH_AUDIENCE
  value: {{ .audience | quote }}
{{- end }}
{{- if .scope }}
- name: DUBAN_ENGINE__OAUTH_SCOPE
  value: {{ .scope | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- if $engine.basic.existingSecret }}
- name: DUBAN_ENGINE__BASIC_USER
  {{ include "duban.fromSecret" (dict "name" $engine.basic.existingSecret "key" "username") }}
- name: DUBAN_ENGINE__BASIC_PASSWORD
  {{ include "duban.fromSecret" (dict "name" $engine.basic.existingSecret "key" "password") }}
{{- end }}
{{- if $engine.tenant }}
- name: DUBAN_ENGINE__TENANT
  value: {{ $engine.tenant | quote }}
{{- end }}
{{- if eq .part "records" }}
- name: DUBAN_RECORDS__PASSWORD
  {{ include "duban.fromSecret" (dict "name" (required "records.existingSecret: the Secret with the exporter's password" $values.records.existingSecret) "key" $values.records.key) }}
{{- if $values.records.previousKey }}
- name: DUBAN_RECORDS__PREVIOUS_PASSWORD
  {{ include "duban.fromSecret" (dict "name" $values.records.existingSecret "key" $values.records.previousKey) }}
{{- end }}
{{- end }}
{{- if and (eq .part "desk") (not (hasKey $values.settings "DUBAN_WEB__ALLOWED_HOSTS")) }}
{{- $service := printf "%s-desk" (include "duban.name" .root) }}
- name: DUBAN_WEB__ALLOWED_HOSTS
  value: {{ printf "%s,%s.%s,%s.%s.svc,%s.%s.svc.cluster.local" $service $service .root.Release.Namespace $service .root.Release.Namespace $service .root.Release.Namespace | quote }}
{{- end }}
{{- with $values.desk.ingress }}
{{- if and .enabled (not (hasKey $values.settings "DUBAN_WEB__PUBLIC_URL")) }}
- name: DUBAN_WEB__PUBLIC_URL
  value: {{ printf "%s://%s" (ternary "https" "http" (ne .tlsSecret "")) .host | quote }}
{{- end }}
{{- end }}
{{- range $name, $value := $values.settings }}
- name: {{ $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- range $name, $ref := $values.secretSettings }}
- name: {{ $name }}
  {{ include "duban.fromSecret" $ref }}
{{- end }}
{{- end }}

{{- /* The pod of a part: root, part, args, port (0: a job, no probes), readyPath, resources, grace. */ -}}
{{- define "duban.pod" -}}
{{- $values := .root.Values -}}
{{- $probe := ternary "metrics" "http" (eq (int .port) 8720) -}}
metadata:
  labels:
    {{- include "duban.labels" . | nindent 4 }}
    {{- with $values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- $scraped := and .port $values.monitoring.annotations }}
  {{- if or $scraped $values.podAnnotations }}
  annotations:
    {{- if $scraped }}
    prometheus.io/scrape: "true"
    prometheus.io/port: "8720"
    prometheus.io/path: /metrics
    {{- end }}
    {{- with $values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with $values.image.pullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- if .port }}
  terminationGracePeriodSeconds: {{ .grace }}
  {{- else }}
  restartPolicy: Never
  {{- end }}
  containers:
    - name: duban
      image: {{ include "duban.image" .root | quote }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: {{- toYaml .args | nindent 8 }}
      env: {{- include "duban.env" . | nindent 8 }}
      securityContext:
        readOnlyRootFilesystem: true
        allowPrivilegeEscalation: false
        capabilities: {drop: [ALL]}
      resources: {{- toYaml .resources | nindent 8 }}
      {{- if .port }}
      # Health and metrics of every part: 8720 (DUBAN_PROBE__PORT of the image).
      ports:
        {{- if ne $probe "metrics" }}
        - {name: http, containerPort: {{ .port }}}
        {{- end }}
        - {name: metrics, containerPort: 8720}
      # Host: the desk answers under its own names only. The engine and the store may take minutes to be there.
      startupProbe:
        httpGet: {path: /healthz, port: {{ $probe }}, httpHeaders: [{name: Host, value: localhost}]}
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 72
      readinessProbe:
        httpGet: {path: {{ .readyPath | default "/healthz" }}, port: {{ $probe }}, httpHeaders: [{name: Host, value: localhost}]}
        periodSeconds: 10
        timeoutSeconds: 5
      # Ten minutes: an engine that is away for a while is no reason to start its workers again.
      livenessProbe:
        httpGet: {path: /healthz, port: {{ $probe }}, httpHeaders: [{name: Host, value: localhost}]}
        periodSeconds: 30
        timeoutSeconds: 10
        failureThreshold: 20
      {{- end }}
      volumeMounts:
        - {name: data, mountPath: /data}
        - {name: tmp, mountPath: /tmp}
        - {name: evidence, mountPath: /evidence}
        - {name: staff, mountPath: /staff, readOnly: true}
        {{- if $values.engine.caSecret }}
        - {name: engine-ca, mountPath: /engine-ca, readOnly: true}
        {{- end }}
        {{- if $values.engine.clientCertificateSecret }}
        - {name: engine-client, mountPath: /engine-client, readOnly: true}
        {{- end }}
  volumes:
    - {name: data, emptyDir: {}}
    - {name: tmp, emptyDir: {}}
    - name: evidence
      persistentVolumeClaim: {claimName: {{ required "evidence.existingClaim: a volume that all parts can mount" $values.evidence.existingClaim }}}
    - name: staff
      secret: {secretName: {{ required "staff.existingSecret: the Secret with the staff file" $values.staff.existingSecret }}}
    {{- with $values.engine.caSecret }}
    - {name: engine-ca, secret: {secretName: {{ . }}}}
    {{- end }}
    {{- with $values.engine.clientCertificateSecret }}
    - {name: engine-client, secret: {secretName: {{ . }}}}
    {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
