/** One part of a page: heading, and one of its states. Keeps its place while it loads. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import type { Loaded } from '../api/use-data.ts';
import { useText } from '../text/text.ts';
import { Problem } from './problem.tsx';

interface Props {
  readonly title: string;
  readonly class?: string;
  /** Where it repeats the heading of the page. */
  readonly titleHidden?: boolean;
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Panel(props: Props) {
  const id = useId();
  return (
    <section class={`panel ${props.class ?? ''}`} aria-labelledby={id}>
      <header class={props.titleHidden === true ? 'visually-hidden' : 'panel-head'}>
        <h2 id={id}>{props.title}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  );
}

interface DataPanelProps<T> extends Omit<Props, 'children'> {
  readonly loaded: Loaded<T>;
  readonly children: (data: T) => ComponentChildren;
}

/** Old data stays when a refresh fails; the problem is told beside it. */
export function DataPanel<T>(props: DataPanelProps<T>) {
  const { loaded, children, ...rest } = props;
  const { text } = useText();
  const { data, problem } = loaded;
  return (
    <Panel {...rest}>
      {problem !== undefined && (
        <Problem what={props.title} problem={problem} retry={loaded.reload} />
      )}
      {data !== undefined && children(data)}
      {data === undefined && problem === undefined && (
        <p class="skeleton" role="status">
          {text.state.loading}
        </p>
      )}
    </Panel>
  );
}
