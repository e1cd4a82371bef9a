import { Group, Select, Tooltip } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useRouter } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useTexts } from '../lib/i18n.ts';
import { myOrgs, useOrg } from '../lib/orgs.ts';
import { useSession } from '../lib/session.ts';
import { IconLink } from '../ui/links.tsx';
import { live } from '../ui/live.tsx';
import { layoutTexts } from './layout-texts.ts';

export function OrgSwitcher() {
  const t = useTexts(layoutTexts);
  const org = useOrg();
  const navigate = useNavigate();
  const router = useRouter();
  const userId = useSession()?.user.id ?? '';
  const orgs = useQuery({ ...myOrgs(userId), enabled: userId !== '', ...live(60_000) });
  // Pages read the org from the route, and the route reads it only when it is entered. A change of name or role since then has to reach it.
  useEffect(() => {
    if (!orgs.data) return;
    const now = orgs.data.find((one) => one.id === org.id);
    if (now?.role !== org.role || now.name !== org.name || now.slug !== org.slug) void router.invalidate();
  }, [orgs.data, org, router]);
  return (
    <Group gap={4} wrap="nowrap">
      <Select
        aria-label={t('org')}
        size="xs"
        w={{ base: 150, sm: 220 }}
        allowDeselect={false}
        searchable={(orgs.data?.length ?? 0) > 8}
        data={(orgs.data ?? [org]).map((one) => ({ value: one.slug, label: one.name }))}
        value={org.slug}
        onChange={(slug) => {
          if (slug) void navigate({ to: '/o/$org/overview', params: { org: slug } });
        }}
      />
      <Tooltip label={t('newOrg')}>
        <IconLink to="/new-org" variant="subtle" color="gray" aria-label={t('newOrg')}>
          <IconPlus size={16} />
        </IconLink>
      </Tooltip>
    </Group>
  );
}
