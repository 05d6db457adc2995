import type { Product } from '../ibkr/endpoint';
import type { System, VariedStep } from './cause';

/** Menus as both programs name them; TWS has File in its Mosaic layout and Edit in the classic one. */
export const apiSettings: Readonly<Record<Product, string>> = {
  TWS: 'File (or Edit) > Global Configuration > API > Settings',
  'IB Gateway': 'Configure > Settings > API > Settings',
};

export const lockAndExit: Readonly<Record<Product, string>> = {
  TWS: 'File (or Edit) > Global Configuration > Lock and Exit',
  'IB Gateway': 'Configure > Settings > Lock and Exit',
};

/** The box without which TWS does not listen. */
export const enableApi: VariedStep = {
  text: '{}',
  byProduct: {
    TWS: `Open ${apiSettings.TWS}, tick "Enable ActiveX and Socket Clients", press Apply and OK.`,
    'IB Gateway':
      'There is no box to tick: its API is always on, if "IB API" was chosen on the login screen.',
  },
};

/** Restarting costs a login, so the step says so. */
export const restartTws: VariedStep = {
  text: 'Restart it by hand and expect a login with the second factor: {}, then start it again. Nothing else clears this state.',
  byProduct: { TWS: 'File > Exit', 'IB Gateway': 'File > Close' },
};

export const restartContainer =
  'If it runs in Docker, `docker ps` shows the name of its container and `docker restart NAME` restarts it; this costs a login too.';

export const trustThisMachine: VariedStep = {
  text: 'Open {}, press Create under "Trusted IPs", enter 127.0.0.1, then press Apply and OK.',
  byProduct: apiSettings,
};

/** Commands that only read tables: none of them connects to the port. */
export const portOwner: Readonly<Record<System, string>> = {
  macOS: '`sudo lsof -nP -iTCP:{port} -sTCP:LISTEN`',
  Windows:
    '`Get-Process -Id (Get-NetTCPConnection -LocalPort {port} -State Listen).OwningProcess` in PowerShell',
  Linux: "`sudo ss -ltnp 'sport = :{port}'`",
};

export const portConnections: Readonly<Record<System, string>> = {
  macOS: '`sudo lsof -nP -iTCP:{port}`',
  Windows:
    '`Get-NetTCPConnection -LocalPort {port} | Format-Table State,RemoteAddress,RemotePort,OwningProcess` in PowerShell',
  Linux: "`sudo ss -tanp '( sport = :{port} or dport = :{port} )'`",
};

export const twsProcesses: Readonly<Record<System, string>> = {
  macOS: "`ps axo pid,lstart,stat,command | grep -iE '[j]ts|[i]bgateway|[t]rader workstation'`",
  Windows:
    "`Get-Process | Where-Object Name -match 'tws|ibgateway|java' | Format-Table Id,Name,StartTime,Responding` in PowerShell",
  Linux: "`ps -eo pid,lstart,stat,args | grep -iE '[j]ts|[i]bgateway'`",
};

export const freeSpace: Readonly<Record<System, string>> = {
  macOS: '`df -h`, and `du -sh * | sort -h` in the folder of the logs',
  Windows: '`Get-PSDrive -PSProvider FileSystem` in PowerShell',
  Linux: '`df -h`, and `du -sh * | sort -h` in the folder of the logs',
};
