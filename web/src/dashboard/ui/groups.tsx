// The charts and tables in groups.

import type { ComponentChildren } from "preact";
import { type Key, t } from "../i18n";
import { type Chart, CONNECTIONS, HTTP, LIMITS, PRESSURE, RESOURCES, TRAFFIC } from "../model/charts";
import type { Metrics } from "../model/metrics";
import { ChartCard } from "./chart_card";
import { Closes, Errors, Rooms, SlowRoutes } from "./tables";

export function Groups({ metrics }: { metrics: Metrics }) {
  return (
    <>
      <Group title="group.traffic">
        <Charts of={TRAFFIC} />
        <Rooms metrics={metrics} />
      </Group>
      <Group title="group.connections">
        <Charts of={CONNECTIONS} />
        <Closes metrics={metrics} />
        <Charts of={PRESSURE} />
      </Group>
      <Group title="group.http">
        <Charts of={HTTP} />
        <SlowRoutes metrics={metrics} />
        <Errors metrics={metrics} />
        <Charts of={LIMITS} />
      </Group>
      <Group title="group.resources">
        <Charts of={RESOURCES} />
      </Group>
    </>
  );
}

function Group({ title, children }: { title: Key; children: ComponentChildren }) {
  return (
    <section class="group" aria-label={t(title)}>
      <h2>{t(title)}</h2>
      <div class="grid">{children}</div>
    </section>
  );
}

const Charts = ({ of }: { of: readonly Chart[] }) => (
  <>
    {of.map((chart) => (
      <ChartCard chart={chart} key={chart.id} />
    ))}
  </>
);
