{{- define "chinwag.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}
{{- end }}

{{- define "chinwag.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "chinwag.claim" -}}
{{- .Values.uploads.existingClaim | default (printf "%s-uploads" (include "chinwag.name" .)) }}
{{- end }}
