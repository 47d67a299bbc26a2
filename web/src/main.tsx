import '@/styles/global.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { start } from '@/app/start';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
void start().then((page) => createRoot(root).render(<StrictMode>{page}</StrictMode>));
