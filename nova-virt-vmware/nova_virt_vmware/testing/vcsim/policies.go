// What the simulator of storage policies of govmomi 0.56.0 lacks, from the vSphere Storage Policy
// API reference: a datastore that does not fit, and policies that are noticed.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/vmware/govmomi/pbm"
	pbmmethods "github.com/vmware/govmomi/pbm/methods"
	pbmsim "github.com/vmware/govmomi/pbm/simulator"
	pbmtypes "github.com/vmware/govmomi/pbm/types"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

var onDefaultStore = pbmtypes.PbmCapabilityProfileCreateSpec{
	Name:         "on LocalDS_0",
	Description:  "fits LocalDS_0",
	Category:     string(pbmtypes.PbmProfileCategoryEnumREQUIREMENT),
	ResourceType: pbmtypes.PbmProfileResourceType{ResourceType: "STORAGE"},
	Constraints:  &pbmtypes.PbmCapabilitySubProfileConstraints{},
}

var solverOnce sync.Once

// withSolver puts our solver in the place of the simulator's, and makes a policy that fits one
// datastore alone; a vCenter has both.
func withSolver(ctx *simulator.Context) {
	if ctx.Session == nil {
		return
	}
	solverOnce.Do(func() {
		registry := ctx.For(pbm.Path).Map
		if registry == nil {
			return
		}
		registry.Handler = func(
			ctx *simulator.Context, method *simulator.Method,
		) (mo.Reference, types.BaseMethodFault) {
			target, ok := ctx.Map.Get(method.This).(*pbmsim.PlacementSolver)
			if ok && method.Name == "PbmCheckRequirements" {
				return &solver{target}, nil
			}
			return nil, nil
		}
		for _, reference := range registry.AllReference("PbmProfileProfileManager") {
			if manager, ok := reference.(*pbmsim.ProfileManager); ok {
				manager.PbmCreate(ctx, &pbmtypes.PbmCreate{CreateSpec: onDefaultStore})
			}
		}
	})
}

// solver is a PlacementSolver for policies whose description names the datastore that fits:
// "fits NAME".
type solver struct{ *pbmsim.PlacementSolver }

// PbmCheckRequirements: PbmPlacementSolver, PbmCheckRequirements: a hub that does not fit has an
// error.
func (s *solver) PbmCheckRequirements(
	ctx *simulator.Context, request *pbmtypes.PbmCheckRequirements,
) soap.HasFault {
	names := fitting(ctx, request)
	stores := ctx.For(vim25.Path).Map
	response := &pbmtypes.PbmCheckRequirementsResponse{}
	for _, hub := range request.HubsToSearch {
		result := pbmtypes.PbmPlacementCompatibilityResult{Hub: hub}
		store, ok := stores.Get(types.ManagedObjectReference{
			Type: hub.HubType, Value: hub.HubId,
		}).(*simulator.Datastore)
		if !ok || (names != "" && store.Name != names) {
			result.Error = []types.LocalizedMethodFault{{
				Fault: &types.NotSupported{}, LocalizedMessage: "does not fit",
			}}
		}
		response.Returnval = append(response.Returnval, result)
	}
	return &pbmmethods.PbmCheckRequirementsBody{Res: response}
}

func fitting(ctx *simulator.Context, request *pbmtypes.PbmCheckRequirements) string {
	for _, wanted := range request.PlacementSubjectRequirement {
		profile, ok := wanted.(*pbmtypes.PbmPlacementCapabilityProfileRequirement)
		if !ok {
			continue
		}
		if found := profileOf(ctx, profile.ProfileId.UniqueId); found != nil {
			name, is := strings.CutPrefix(found.Description, "fits ")
			if is {
				return name
			}
		}
	}
	return ""
}

func profileOf(ctx *simulator.Context, id string) *pbmtypes.PbmProfile {
	for _, reference := range ctx.For(pbm.Path).Map.AllReference("PbmProfileProfileManager") {
		manager, ok := reference.(*pbmsim.ProfileManager)
		if !ok {
			continue
		}
		body, ok := manager.PbmRetrieveContent(&pbmtypes.PbmRetrieveContent{
			ProfileIds: []pbmtypes.PbmProfileId{{UniqueId: id}},
		}).(*pbmmethods.PbmRetrieveContentBody)
		if ok && body.Res != nil && len(body.Res.Returnval) == 1 {
			return body.Res.Returnval[0].GetPbmProfile()
		}
	}
	return nil
}

// unknownPolicy notes the policies of a VM and of the disks that it gets, and says whether there is
// one that does not exist (VirtualMachineConfigSpec, vmProfile; VirtualDeviceConfigSpec, profile).
func unknownPolicy(
	ctx *simulator.Context, vm string, spec types.VirtualMachineConfigSpec,
) types.BaseMethodFault {
	noted := map[string][]types.BaseVirtualMachineProfileSpec{vm: spec.VmProfile}
	for _, change := range spec.DeviceChange {
		changed := change.GetVirtualDeviceConfigSpec()
		disk, ok := changed.Device.(*types.VirtualDisk)
		if !ok || len(changed.Profile) == 0 {
			continue
		}
		if backing, ok := disk.Backing.(types.BaseVirtualDeviceFileBackingInfo); ok {
			noted[backing.GetVirtualDeviceFileBackingInfo().FileName] = changed.Profile
		}
	}
	for subject, profiles := range noted {
		for _, profile := range profiles {
			defined, ok := profile.(*types.VirtualMachineDefinedProfileSpec)
			if !ok {
				continue
			}
			if ctx.For(pbm.Path).Map == nil || profileOf(ctx, defined.ProfileId) == nil {
				return &types.InvalidArgument{InvalidProperty: "profile"}
			}
			note(subject, defined.ProfileId)
		}
	}
	return nil
}

func note(subject, policy string) {
	path := filepath.Join(os.TempDir(), "policies")
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		defer file.Close()
		_, _ = fmt.Fprintf(file, "%s\t%s\n", subject, policy)
	}
}
