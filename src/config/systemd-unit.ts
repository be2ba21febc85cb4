// ron-kms.service, the example unit of `ronctl kms serve` (service page 10, I-44): the passphrase is a systemd credential,
// readiness is notified, the home is the only writable place. Never MemoryDenyWriteExecute: V8 compiles.

const PATH = /^\/[A-Za-z0-9._/@-]{1,200}$/;

export interface UnitPlaces {
  /** Absolute path of the ronctl executable. */
  readonly executable: string;
  /** Free space (bytes) below which the unit does not start. */
  readonly minFreeBytes: number;
}

/** The text of the unit, or null when the path cannot stand in it. */
export function systemdUnit({ executable, minFreeBytes }: UnitPlaces): string | null {
  if (!PATH.test(executable)) return null;
  const kib = Math.ceil(minFreeBytes / 1024);
  return `# ron-kms.service: ronctl kms serve under systemd. Put it into /etc/systemd/system, then
#   useradd --system --home-dir /var/lib/ron-kms ron-kms
#   install -m 0600 -o root PASSPHRASE-FILE /etc/ron/store.passphrase
#   systemctl daemon-reload && systemctl enable --now ron-kms
[Unit]
Description=Key custody service (ronctl kms serve)
Documentation=man:ronctl-server(7) man:ron-kms.toml(5)
After=network.target local-fs.target
RequiresMountsFor=/var/lib/ron-kms
# After ten failed starts somebody must look: systemctl reset-failed ron-kms && systemctl start ron-kms
StartLimitIntervalSec=600
StartLimitBurst=10

[Service]
Type=notify
NotifyAccess=all
User=ron-kms
Group=ron-kms
StateDirectory=ron-kms
StateDirectoryMode=0700
RuntimeDirectory=ron-kms
RuntimeDirectoryMode=0700
Environment=RONCTL_HOME=/var/lib/ron-kms
Environment=XDG_RUNTIME_DIR=%t/ron-kms
LoadCredential=ronctl-store:/etc/ron/store.passphrase
# Free space for the log, in KiB.
ExecStartPre=/bin/sh -c 'test "$$(df -k --output=avail /var/lib/ron-kms | tail -n 1)" -gt ${kib}'
ExecStart=${executable} kms serve --config /etc/ron/ron-kms.toml
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=10
# Pauses that grow, from systemd 254 on; an older one does not know these two, so they are off here.
#RestartSteps=5
#RestartMaxDelaySec=60
TimeoutStopSec=15
UMask=0077
LimitCORE=0
LimitNOFILE=65536
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
ProtectClock=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
CapabilityBoundingSet=

[Install]
WantedBy=multi-user.target
`;
}
