import { render } from 'preact';
import { App } from './app.tsx';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/pages.css';
import { startTheme } from './theme.ts';

startTheme();
const place = document.getElementById('app');
if (place === null) throw new Error('index.html has no #app');
render(<App />, place);
