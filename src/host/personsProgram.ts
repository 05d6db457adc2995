import type { ProcessLook } from './processRoles';
import { executableName, programOf } from './program';

/** Programs that a person works in, whoever has opened them. */
const opened: ReadonlySet<string> = new Set(
  [
    // Editors.
    'code code-insiders codium vscodium cursor windsurf code-server openvscode-server zed',
    'vi vim nvim gvim view emacs emacsclient nano micro hx helix kak joe ne gedit kate mousepad',
    'subl sublime_text idea idea64 pycharm pycharm64 webstorm rider fleet eclipse spyder atom',
    // Browsers, which a script opens on its dashboard.
    'firefox firefox-bin firefox-esr librewolf chrome google-chrome google-chrome-stable chromium',
    'chromium-browser brave brave-browser opera vivaldi vivaldi-bin msedge microsoft-edge epiphany',
    // Terminals, and what keeps sessions of them.
    'xterm uxterm urxvt rxvt konsole alacritty kitty foot wezterm wezterm-gui tilix terminator',
    'gnome-terminal gnome-terminal- gnome-terminal-server xfce4-terminal ptyxis ghostty',
    'tmux tmate screen dtach abduco zellij byobu mosh-server sshd login',
  ].flatMap((names) => names.split(' ')),
);

/** What others live in: a Gateway without a screen of its own dies with its display. */
const grounds: ReadonlySet<string> = new Set(
  [
    'xvfb xorg x xwayland xephyr xnest xvnc xtigervnc xtightvnc x11vnc xdummy xpra weston sway',
    'mutter kwin_x11 kwin_wayland openbox fluxbox xfwm4 metacity i3 matchbox-window-manager ratpoison',
    'systemd launchd init dbus-daemon dbus-broker dbus-launch gpg-agent ssh-agent gnome-keyring-d',
    'gnome-keyring-daemon pulseaudio pipewire wireplumber dockerd containerd containerd-shim',
    'containerd-shim-runc-v2 conmon podman',
  ].flatMap((names) => names.split(' ')),
);

/** The part of an editor that runs on the machine of its files. */
const editorServer =
  /[\\/](?:code-server|openvscode-server|\.?(?:vscode|vscodium|cursor|windsurf)(?:-[\w]+)*-server)[\\/](?!extensions[\\/]|data[\\/])/i;

/**
 * True for what may have been started by a program and belongs to a person all the same: an
 * editor, a browser, a terminal or an open shell in it, and the ground that others stand on (a
 * display, a session bus). Robo does not end such a program for having been started by a runner.
 */
export function isPersonsProgram(look: ProcessLook): boolean {
  const program = programOf(look.argv, look.workingDirectory);
  if (program === undefined) {
    // Nobody knows what it is.
    return true;
  }
  const [first = ''] = look.argv;
  const names = [first, program.name, look.name].map((name) =>
    // `tmux: server` and `sshd: joe` write their state behind the name.
    executableName(name.split(/[: ]/, 1)[0] ?? ''),
  );
  const isOpenShell =
    program.kind === 'binary' && /^(?:ba|da|z|k|a|fi|tc|c)?sh$/.test(names[1] ?? '');
  return (
    isOpenShell ||
    names.some((name) => opened.has(name) || grounds.has(name)) ||
    (program.kind === 'script' && editorServer.test(program.name))
  );
}
